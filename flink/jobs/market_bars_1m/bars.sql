-- Bars of one width: sums and extremes only, so that the order of arrival does not matter. Open and
-- close are the lowest and highest (event time, sequence, price), the first two of fixed width.
create temporary view bar_inputs as
select *, concat_ws(' ', cast(event_us + 10000000000000000 as string),
  cast(`sequence` + 10000000000000000 as string)) as place
from judged_messages
where reason in ('bar', 'heartbeat');

create temporary view bars as
select
  1 as schema_version,
  symbol,
  min(session_date) as session_date,
  min(event_us) / (${bar_seconds} * 1000000) * (${bar_seconds} * 1000000) as window_start_us,
  ${bar_seconds} as bar_seconds,
  window_time,
  cast(split_index(min(concat_ws(' ', place, cast(`open` as string))), ' ', 2)
    as decimal(18, 4)) as `open`,
  max(high) as high,
  min(low) as low,
  cast(split_index(max(concat_ws(' ', place, cast(`close` as string))), ' ', 2)
    as decimal(18, 4)) as `close`,
  sum(volume) as volume,
  case when count(trades) = count(volume) then sum(trades) end as trades,
  sum(notional) as notional,
  cast(sum(notional) as double) / cast(nullif(sum(volume), 0) as double) as vwap,
  min(vwap_basis) as vwap_basis,
  count(*) as message_count,
  0 as revision,
  min(source) as source
from table(
  tumble(table bar_inputs, descriptor(event_at), interval '${bar_seconds}' second(5))
)
group by symbol, window_start, window_end, window_time;
