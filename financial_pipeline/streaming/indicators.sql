-- The indicators of `bars`, and the alerts on them: exact sums of whole units of 1e-12.
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
with measured as (

    unpivot (
        select
            schema_version, symbol, session_date, window_start_us, bar_seconds, close, revision,
            source, return_zscore, volume_zscore
        from indicators
    ) on return_zscore, volume_zscore into name rule value zscore

),

limits as (

    select * from (values ('warning', 4.0), ('critical', 6.0)) as levels (severity, floor)

),

numbered as (

    select
        symbol,
        session_date,
        window_start_us,
        row_number() over (partition by symbol, session_date order by window_start_us) as number
    from bars

),

reached as (

    select measured.*, limits.severity, numbered.number
    from measured
    inner join limits on abs(measured.zscore) >= limits.floor
    inner join numbered using (symbol, session_date, window_start_us)

),

spaced as (

    select
        *,
        number - lag(number) over (
            partition by symbol, session_date, rule, severity order by window_start_us
        ) as gap
    from reached

)

select
    schema_version,
    md5(concat_ws('|', symbol, window_start_us, bar_seconds, rule, severity)) as alert_id,
    symbol,
    session_date,
    window_start_us,
    bar_seconds,
    rule,
    severity,
    zscore,
    close,
    revision,
    source
from spaced
where gap is null or gap > 10
