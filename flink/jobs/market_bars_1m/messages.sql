-- Each message becomes exactly one of: a dead letter, a heartbeat, a late message, part of a bar.
create temporary view read_messages as
select source_partition, source_offset, event_at, judge(line, record_at) as message from messages;

create temporary view judged_messages as
select
  source_partition, source_offset, event_at, r.message.record_ms as record_ms,
  r.message.schema_version as schema_version, r.message.event_us as event_us,
  r.message.watermark_us as watermark_us, r.message.symbol as symbol,
  r.message.`sequence` as `sequence`, r.message.`open` as `open`, r.message.high as high,
  r.message.low as low, r.message.`close` as `close`, r.message.volume as volume,
  r.message.trades as trades, r.message.notional as notional,
  r.message.vwap_basis as vwap_basis, r.message.session_date as session_date,
  r.message.source as source, r.message.payload as payload,
  r.message.payload_bytes as payload_bytes,
  case
    when r.message.verdict = 'bar' and event_at <= current_watermark(event_at)
    then 'behind_the_job'
    else r.message.verdict
  end as verdict
from read_messages as r;
