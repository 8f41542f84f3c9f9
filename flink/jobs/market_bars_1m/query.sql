-- The one statement set of the job: bars, indicators, alerts, dead letters and late messages.
-- To follow a message, read source.sql, messages.sql, bars.sql, indicators.sql and alerts.sql.
insert into market_bars
select 1, symbol, session_date, window_start_us, ${bar_seconds}, `open`, high, low, `close`, volume,
  trades, notional, cast(notional as double) / cast(nullif(volume, 0) as double), vwap_basis,
  message_count, 0, source
from bars;
insert into market_indicators
select 1, symbol, session_date, window_start_us, ${bar_seconds}, `close`, log_return,
  rolling_volatility, return_zscore, volume_zscore, realised_variance, 0, source
from indicators;
insert into market_alerts
select 1,
  md5(concat_ws('|', symbol, cast(window_start_us as string), '${bar_seconds}')),
  symbol, session_date, window_start_us, ${bar_seconds}, rule, severity, zscore, `close`, 0, source
from alerts;
insert into dead_letters
select 1, outcome, source_partition, source_offset, record_ms, payload, payload_bytes
from judged_messages
where outcome not in ('bar', 'heartbeat', 'behind_its_producer', 'behind_the_job');
insert into late_messages
select outcome, source_partition, source_offset, record_ms,
  schema_version, event_us, watermark_us, symbol, `sequence`, `open`, high, low, `close`, volume,
  trades, notional, vwap_basis, session_date, source
from judged_messages
where outcome in ('behind_its_producer', 'behind_the_job');
