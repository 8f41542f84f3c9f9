-- Each message becomes exactly one of: a dead letter, a heartbeat, a late message, part of a bar.
create temporary view judged_messages as
select source_partition, source_offset, event_at, m.message.*,
  if(m.message.verdict = 'bar' and event_at <= current_watermark(event_at), 'behind_the_job',
    m.message.verdict) as reason
from messages as m;

create temporary view late_messages as
select * from judged_messages where reason in ('behind_its_producer', 'behind_the_job');

create temporary view dead_letters as
select 1 as schema_version, reason, source_partition, source_offset, record_ms, payload, payload_bytes
from judged_messages
where reason not in ('bar', 'heartbeat', 'behind_its_producer', 'behind_the_job');
