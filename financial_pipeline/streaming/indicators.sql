-- The indicators of `bars`, exact sums of whole units of 1e-12, and at most one alert per bar: the
-- worst severity (1 warning, 2 critical) that none of the ten bars before it reached.
create or replace temp table indicators as
with returns as (

    select
        *,
        cast(round(ln(close::double / lag(close::double) over session) * 1e12) as hugeint)
            as gain,
        case when volume > 0 then cast(round(ln(volume::double) * 1e12) as hugeint) end as size
    from bars
    window session as (partition by symbol, session_date order by window_start_us)

),

sums as (

    select
        *,
        count(gain) over last_60 as n_last,
        sum(gain) over last_60 as s_last,
        sum(gain * gain) over last_60 as q_last,
        count(gain) over before_60 as n_gain,
        sum(gain) over before_60 as s_gain,
        sum(gain * gain) over before_60 as q_gain,
        count(size) over before_60 as n_size,
        sum(size) over before_60 as s_size,
        sum(size * size) over before_60 as q_size,
        sum(gain * gain) over (
            partition by symbol, session_date order by window_start_us
        ) as squares
    from returns
    window
        last_60 as (
            partition by symbol, session_date order by window_start_us
            rows between 59 preceding and current row
        ),
        before_60 as (
            partition by symbol, session_date order by window_start_us
            rows between 60 preceding and 1 preceding
        )

)

select
    schema_version,
    symbol,
    session_date,
    window_start_us,
    bar_seconds,
    close,
    gain / 1e12 as log_return,
    case when n_last = 60 then sqrt((60 * q_last - s_last * s_last) / 3540.0) / 1e12 end
        as rolling_volatility,
    case
        when n_gain = 60 and 60 * q_gain > s_gain * s_gain
            then ((60 * gain - s_gain) / 60.0) / sqrt((60 * q_gain - s_gain * s_gain) / 3540.0)
    end as return_zscore,
    case
        when n_size = 60 and 60 * q_size > s_size * s_size
            then ((60 * size - s_size) / 60.0) / sqrt((60 * q_size - s_size * s_size) / 3540.0)
    end as volume_zscore,
    squares / 1e24 as realised_variance,
    revision,
    source
from sums
;

create or replace temp table alerts as
with levels as (

    select
        *,
        case when abs(return_zscore) >= 6 then 2 when abs(return_zscore) >= 4 then 1 else 0 end
            as return_level,
        case when abs(volume_zscore) >= 6 then 2 when abs(volume_zscore) >= 4 then 1 else 0 end
            as volume_level
    from indicators

),

new_levels as (

    select
        *,
        if(return_level > coalesce(max(return_level) over before_10, 0), return_level, 0)
            as new_return,
        if(volume_level > coalesce(max(volume_level) over before_10, 0), volume_level, 0)
            as new_volume
    from levels
    window before_10 as (
        partition by symbol, session_date order by window_start_us
        rows between 10 preceding and 1 preceding
    )

)

select
    schema_version,
    md5(concat_ws('|', symbol, window_start_us, bar_seconds)) as alert_id,
    symbol,
    session_date,
    window_start_us,
    bar_seconds,
    if(new_return >= new_volume, 'return_zscore', 'volume_zscore') as rule,
    if(greatest(new_return, new_volume) = 2, 'critical', 'warning') as severity,
    if(new_return >= new_volume, return_zscore, volume_zscore) as zscore,
    close,
    revision,
    source
from new_levels
where greatest(new_return, new_volume) > 0
