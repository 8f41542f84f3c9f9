-- What the job writes. Every row has a key, so that at-least-once with keyed rows is as good as
-- exactly-once; `delivery` chooses.
create table market_bars (
  schema_version bigint, symbol string, session_date date, window_start_us bigint,
  bar_seconds bigint, `open` decimal(18, 4), high decimal(18, 4), low decimal(18, 4),
  `close` decimal(18, 4), volume bigint, trades bigint, notional decimal(38, 4), vwap double,
  vwap_basis string, message_count bigint, revision bigint, source string
) with (
  'topic' = '${bars_topic}', 'key.fields' = 'symbol;window_start_us', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-bars'
);
create table market_indicators (
  schema_version bigint, symbol string, session_date date, window_start_us bigint,
  bar_seconds bigint, `close` decimal(18, 4), log_return double, rolling_volatility double,
  return_zscore double, volume_zscore double, realised_variance double, revision bigint,
  source string
) with (
  'topic' = '${indicators_topic}', 'key.fields' = 'symbol;window_start_us', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-indicators'
);
create table market_alerts (
  schema_version bigint, alert_id string, symbol string, session_date date,
  window_start_us bigint, bar_seconds bigint, rule string, severity string, zscore double,
  `close` decimal(18, 4), revision bigint, source string
) with (
  'topic' = '${alerts_topic}', 'key.fields' = 'alert_id', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-alerts'
);
create table dead_letters (
  schema_version bigint, reason string, source_partition bigint, source_offset bigint,
  record_ms bigint, payload bytes, payload_bytes bigint
) with (
  'topic' = '${dead_letter_topic}', 'key.fields' = 'source_partition;source_offset', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-dead-letters'
);
create table late_messages (
  reason string, source_partition bigint, source_offset bigint, record_ms bigint,
  schema_version bigint, event_us bigint, watermark_us bigint, symbol string, `sequence` bigint,
  `open` decimal(18, 4), high decimal(18, 4), low decimal(18, 4), `close` decimal(18, 4),
  volume bigint, trades bigint, notional decimal(18, 4), vwap_basis string, session_date date,
  source string
) with (
  'topic' = '${late_topic}', 'key.fields' = 'source_partition;source_offset', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-late'
);
