-- Bars of one width: sums and extremes only, so that the order of arrival does not matter. Open and
-- close are the lowest and highest (event time, sequence, price), as texts of fixed width.
create temporary view bar_inputs as
select
  symbol, session_date, event_us, high, low, volume, trades, notional, vwap_basis, source, event_at,
  concat_ws(' ', cast(event_us + 10000000000000000 as string),
    cast(`sequence` + 10000000000000000 as string), cast(`open` as string)) as ordered_open,
  concat_ws(' ', cast(event_us + 10000000000000000 as string),
    cast(`sequence` + 10000000000000000 as string), cast(`close` as string)) as ordered_close
from judged_messages
where outcome in ('bar', 'heartbeat');

create temporary view bars as
select
  symbol,
  min(session_date) as session_date,
  min(event_us) / (${bar_seconds} * 1000000) * (${bar_seconds} * 1000000) as window_start_us,
  window_time,
  cast(split_index(min(ordered_open), ' ', 2) as decimal(18, 4)) as `open`,
  max(high) as high,
  min(low) as low,
  cast(split_index(max(ordered_close), ' ', 2) as decimal(18, 4)) as `close`,
  sum(volume) as volume,
  case when count(trades) = count(volume) then sum(trades) end as trades,
  sum(notional) as notional,
  min(vwap_basis) as vwap_basis,
  count(*) as message_count,
  min(source) as source
from table(
  tumble(table bar_inputs, descriptor(event_at), interval '${bar_seconds}' second(5))
)
group by symbol, window_start, window_end, window_time;
