-- Sharpe ratios; the bill of a session is the newest observation before it that was known by then.
with bills as (
    select
        session_date,
        max(observation_date) as bill_observation_date,
        arg_max(value, observation_date) as discount
    from (select distinct session_date from bank_returns) as sessions
    inner join agg_macro_indicators as rates
        on
            rates.observation_date < sessions.session_date
            and rates.observation_date >= sessions.session_date - interval 14 days
            and rates.realtime_start <= sessions.session_date
            and rates.realtime_end > sessions.session_date
            and rates.indicator_id = 'bill_rate_discount'
            and rates.value is not null
    group by session_date
),

first_bill as (
    select min(greatest(observation_date + 1, realtime_start)) as first_release
    from agg_macro_indicators
    where indicator_id = 'bill_rate_discount' and value is not null
),

returns as (
    select
        bank_returns.*,
        case
            when simple_return is null then return_note
            when bills.session_date is not null then null
            when bank_returns.session_date >= first_release then 'bill_rate_too_old'
            else 'no_bill_rate'
        end as excess_note,
        bill_observation_date,
        (1 + 365 * discount / (360 - 91 * discount)) ** (1 / 252) - 1 as bill_return,
        simple_return - bill_return as excess_return
    from bank_returns
    cross join first_bill
    left join bills using (session_date)
),

-- Moments about the first return, so that nearly equal returns do not cancel out.
distances as (
    select
        *,
        excess_return - first_value(excess_return) over (partition by symbol order by session_number) as distance
    from returns
    where excess_return is not null
),

moments as (
    select
        session_date,
        symbol,
        session_number - min(session_number) over so_far as age,
        count(*) over w252 as recent,
        avg(excess_return) over w252 as recent_mean,
        stddev_samp(excess_return) over w252 as recent_deviation,
        count(*) over so_far as n,
        avg(excess_return) over so_far as mean,
        avg(distance) over so_far as m1,
        avg(distance ** 2) over so_far as m2,
        avg(distance ** 3) over so_far as m3,
        avg(distance ** 4) over so_far as m4,
        stddev_samp(excess_return) over so_far as deviation,
        avg(least(excess_return, 0) ** 2) over so_far as downside
    from distances
    window
        w252 as (partition by symbol order by session_number range 251 preceding),
        so_far as (partition by symbol order by session_number)
),

central as (
    select
        *,
        case
            when age >= 251 and recent >= 240 and recent_deviation > 1e-12 then recent_mean / recent_deviation
        end as recent_ratio,
        case when deviation > 1e-12 then mean / deviation end as ratio,
        m2 - m1 ** 2 as variance,
        (m3 - 3 * m1 * m2 + 2 * m1 ** 3) / variance ** 1.5 as skew,
        (m4 - 4 * m1 * m3 + 6 * m1 ** 2 * m2 - 3 * m1 ** 4) / variance ** 2 as kurtosis
    from moments
),

growth as (
    select
        session_date,
        symbol,
        exp(sum(ln(1 + simple_return)) over so_far * 252 / count(*) over so_far) - 1 as annual_growth_full
    from bank_returns
    where simple_return is not null
    window so_far as (partition by symbol order by session_date)
)

select
    returns.session_date,
    returns.symbol,
    bill_observation_date,
    bill_return,
    excess_return,
    excess_note,
    recent_ratio * sqrt(252) as sharpe_252d,
    sqrt((1 + recent_ratio ** 2 / 2) / recent) * sqrt(252) as sharpe_252d_standard_error,
    recent as excess_returns_252d,
    coalesce(n, 0) as observations,
    ratio * sqrt(252) as sharpe_full,
    sqrt((1 + ratio ** 2 / 2) / n) * sqrt(252) as sharpe_full_standard_error,
    sqrt((1 + ratio ** 2 / 2 - ratio * skew + ratio ** 2 * (kurtosis - 3) / 4) / n) * sqrt(252)
        as sharpe_full_standard_error_mertens,
    case when sqrt(downside) > 1e-12 then mean / sqrt(downside) * sqrt(252) end as sortino_full,
    annual_growth_full
from returns
left join central using (session_date, symbol)
left join growth using (session_date, symbol)
where in_window(returns.session_date)
