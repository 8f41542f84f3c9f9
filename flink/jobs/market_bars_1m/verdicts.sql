-- Each message becomes exactly one of: a dead letter, a heartbeat, a late message, part of a bar.
create temporary view judged_messages as
select *,
  cast(timestampdiff(second, to_timestamp_ltz(0, 3), record_at) as bigint) * 1000
    + extract(millisecond from record_at) as record_ms,
  -- Not deterministic on purpose: else each branch of the job would judge again.
  case
    when rand() < 0 then ''
    when form not in ('canonical', 'json') then form
    when schema_version is null or schema_version <> 1 then 'wrong_version'
    when symbol is null or char_length(symbol) > 16
      or (symbol <> '__heartbeat__' and not (symbol >= 'A' and symbol < '[')) then 'bad_symbol'
    when event_us is null or watermark_us is null or `sequence` is null
      or `sequence` >= 10000000000000000 then 'bad_time'
    when event_at > record_at + interval '60' second
      or to_timestamp_ltz(watermark_us / 1000, 3) > record_at + interval '60' second
    then 'from_the_future'
    when symbol = '__heartbeat__' then 'heartbeat'
    when `open` is null or high is null or low is null or `close` is null
      or `open` <= 0 or high <= 0 or low <= 0 or `close` <= 0 then 'bad_price'
    when volume is null or volume < 0 or volume >= 10000000000000000 or trades < 0
      or notional is null or notional < 0
      or vwap_basis is null or vwap_basis not in ('trades', 'close') then 'bad_quantity'
    when session_date is null then 'no_session'
    when event_us / 1000 < watermark_us / 1000 then 'behind_its_producer'
    when event_at <= current_watermark(event_at) then 'behind_the_job'
    else 'bar'
  end as verdict
from typed_messages;
