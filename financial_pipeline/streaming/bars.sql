-- The bars of the messages in `counted`, free of their order; closed windows only.
create or replace temp table bars as
select
    1::bigint as schema_version,
    symbol,
    min(session_date) as session_date,
    window_start_us,
    $bar_seconds::bigint as bar_seconds,
    arg_min(open, (event_us, sequence)) as open,
    max(high) as high,
    min(low) as low,
    arg_max(close, (event_us, sequence)) as close,
    sum(volume)::bigint as volume,
    case when count(trades) = count(*) then sum(trades)::bigint end as trades,
    sum(notional)::decimal(38, 4) as notional,
    case
        when sum(volume) > 0 then cast(sum(notional) as double) / cast(sum(volume) as double)
    end as vwap,
    min(vwap_basis) as vwap_basis,
    count(*)::bigint as message_count,
    0::bigint as revision,
    min(source) as source
from counted
where window_start_us + $bar_seconds * 1000000 <= $watermark_us
group by symbol, window_start_us
