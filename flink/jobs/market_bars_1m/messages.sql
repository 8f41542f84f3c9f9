-- Each message becomes exactly one of: a dead letter, a heartbeat, a late message, part of a bar.
create temporary view read_messages as
select source_partition, source_offset, event_at, judge(line, record_at) as message from messages;

-- The fields of the message, and what becomes of it: its verdict, or that it is behind the job.
create temporary view judged_messages as
select source_partition, source_offset, event_at, r.message.*,
  if(r.message.verdict = 'bar' and event_at <= current_watermark(event_at), 'behind_the_job',
    r.message.verdict) as outcome
from read_messages as r;
