-- What the job writes: the columns of each topic are in `financial_pipeline/schemas/stream.py`. Every
-- row has a key, so that at-least-once with keyed rows is as good as exactly-once; `delivery` chooses.
create table market_bars (${bars_columns}) with (
  'topic' = '${bars_topic}', 'key.fields' = 'symbol;window_start_us', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-bars'
);
create table market_indicators (${indicators_columns}) with (
  'topic' = '${indicators_topic}', 'key.fields' = 'symbol;window_start_us', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-indicators'
);
create table market_alerts (${alerts_columns}) with (
  'topic' = '${alerts_topic}', 'key.fields' = 'alert_id', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-alerts'
);
create table dead_letters (${dead_letter_columns}) with (
  'topic' = '${dead_letter_topic}', 'key.fields' = 'source_partition;source_offset', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-dead-letters'
);
create table late_messages (${late_columns}) with (
  'topic' = '${late_topic}', 'key.fields' = 'source_partition;source_offset', ${sink_options},
  'sink.transactional-id-prefix' = '${job}-late'
);
