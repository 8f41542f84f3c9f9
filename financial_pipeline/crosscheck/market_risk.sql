-- Market risk from joins of each session with its look-back rows, without running state.
with priced as (
    select
        *,
        session_number as day,
        session_number - min(session_number) over (partition by symbol, scale) as age
    from bank_returns
),

peaks as (
    select
        session_date,
        symbol,
        adjusted_close / max(adjusted_close) over (partition by symbol, scale order by day) - 1 as drawdown
    from priced
),

look_backs as (
    select
        now.symbol,
        now.session_date,
        past.adjusted_close
        / max(past.adjusted_close) over (partition by now.symbol, now.day order by past.day) - 1 as fall
    from priced as now
    inner join priced as past
        on now.symbol = past.symbol and now.scale = past.scale and past.day between now.day - 252 and now.day
    where now.age >= 252 and in_window(now.session_date)
),

falls as (
    select
        symbol,
        session_date,
        min(fall) as max_drawdown_252d
    from look_backs
    group by symbol, session_date
    having count(*) >= 241
),

benchmarks as (
    select
        a.symbol,
        a.session_date,
        a.day,
        any_value(a.simple_return) as own,
        avg(b.simple_return) as benchmark
    from priced as a
    inner join priced as b on a.session_date = b.session_date and a.symbol <> b.symbol
    where a.simple_return is not null and b.simple_return is not null
    group by all
),

betas as (
    select
        symbol,
        session_date,
        day - min(day) over bank as age,
        case
            when age >= 251 and count(*) over w >= 240 and var_samp(benchmark) over w > 1e-24
                then covar_samp(own, benchmark) over w / var_samp(benchmark) over w
        end as beta_252d
    from benchmarks
    window
        bank as (partition by symbol order by day),
        w as (partition by symbol order by day range 251 preceding)
),

tails as (
    select
        symbol,
        session_date,
        day,
        simple_return,
        day - min(day) over bank as returns_age,
        case
            when returns_age >= 249 and count(*) over w >= 238 then quantile_cont(simple_return, 0.05) over w
        end as quantile,
        list(simple_return) over w as recent
    from priced
    where simple_return is not null
    window
        bank as (partition by symbol order by day),
        w as (partition by symbol order by day range 249 preceding)
),

hits as (
    select
        * exclude (recent),
        -list_avg(list_filter(recent, lambda r: r <= quantile + 1e-15)) as expected_shortfall_95,
        day = lag(day) over bank + 1 as follows,
        case when follows then simple_return < lag(quantile) over bank end as is_hit
    from tails
    window bank as (partition by symbol order by session_date)
),

pairs as (
    select
        *,
        case when follows then lag(is_hit) over (partition by symbol order by session_date) end as was_hit
    from hits
),

counts as (
    select
        *,
        count(is_hit) over w as n,
        count(*) filter (where is_hit) over w as x,
        count(*) filter (where not was_hit and not is_hit) over w as n00,
        count(*) filter (where not was_hit and is_hit) over w as n01,
        count(*) filter (where was_hit and not is_hit) over w as n10,
        count(*) filter (where was_hit and is_hit) over w as n11
    from pairs
    window w as (partition by symbol order by session_date)
),

gains as (
    select
        *,
        times_log(n - x, (1 - x / n) / 0.95) + times_log(x, x / n / 0.05) as coverage,
        times_log(n00, n00 / (n00 + n01)) + times_log(n01, n01 / (n00 + n01))
        + times_log(n10, n10 / (n10 + n11)) + times_log(n11, n11 / (n10 + n11))
        - times_log(n00 + n10, (n00 + n10) / (n00 + n01 + n10 + n11))
        - times_log(n01 + n11, (n01 + n11) / (n00 + n01 + n10 + n11)) as dependence
    from counts
),

statistics as (
    select
        *,
        case when n > 0 then if(coverage > 1e-11, 2 * coverage, 0) end as kupiec_statistic,
        case
            when n00 + n01 + n10 + n11 > 0 then if(dependence > 1e-11, 2 * dependence, 0)
        end as christoffersen_statistic
    from gains
),

ranges as (
    select
        symbol,
        session_date,
        day,
        case when simple_return is not null then ln(open * adjusted_close / close) - ln(price_before) end as night,
        ln(close / open) as day_move,
        ln(high / low) ** 2 / (4 * ln(2)) as pk,
        ln(high / low) ** 2 / 2 - (2 * ln(2) - 1) * ln(close / open) ** 2 as gk,
        ln(high / close) * ln(high / open) + ln(low / close) * ln(low / open) as rs
    from priced
    where has_valid_range and least(open, high, low, close) > 0
),

intraday as (
    select
        symbol,
        session_date,
        day - min(day) over bank >= 62 and count(*) over w >= 60 as is_covered,
        case when is_covered then sqrt(252 * avg(pk) over w) end as parkinson_63d,
        case when is_covered then sqrt(252 * avg(gk) over w) end as garman_klass_63d,
        case when is_covered then sqrt(252 * greatest(avg(rs) over w, 0)) end as rogers_satchell_63d
    from ranges
    window
        bank as (partition by symbol order by day),
        w as (partition by symbol order by day range 62 preceding)
),

nights as (
    select
        symbol,
        session_date,
        0.34 / (1.34 + 64 / 62) as k,
        case when day - min(day) over bank >= 62 and count(*) over w >= 60 then sqrt(252 * (
            var_samp(night) over w + k * var_samp(day_move) over w + (1 - k) * avg(rs) over w
        )) end as yang_zhang_63d
    from ranges
    where night is not null
    window
        bank as (partition by symbol order by day),
        w as (partition by symbol order by day range 62 preceding)
),

starts as (
    select
        *,
        day - lag(day) over (partition by symbol order by day) > 10 as is_start
    from priced
    where simple_return is not null
),

stretches as (
    select
        *,
        count(*) filter (where is_start) over (partition by symbol order by day) as stretch
    from starts
),

logs as (
    select
        symbol,
        session_date,
        stretch,
        row_number() over (partition by symbol, stretch order by session_date) as i,
        ln(1 + simple_return) ** 2 as square
    from stretches
),

-- Weights older than 700 sessions are below 1e-18.
ewma as (
    select
        now.symbol,
        now.session_date,
        sqrt(252 * sum(past.square * 0.94 ** (now.i - past.i) * if(past.i = 1, 1, 0.06))) as ewma_volatility
    from logs as now
    inner join logs as past
        on now.symbol = past.symbol and now.stretch = past.stretch and past.i between now.i - 700 and now.i
    where in_window(now.session_date)
    group by all
)

select
    priced.session_date,
    priced.symbol,
    drawdown,
    min(drawdown) over (
        partition by priced.symbol, priced.scale order by priced.session_date
    ) as max_drawdown_full,
    max_drawdown_252d,
    beta_252d,
    -quantile as value_at_risk_95,
    case when quantile is not null then expected_shortfall_95 end as expected_shortfall_95,
    coalesce(n, 0) as forecasts,
    coalesce(x, 0) as hits,
    kupiec_statistic,
    chi_square_tail(kupiec_statistic) as kupiec_p_value,
    christoffersen_statistic,
    chi_square_tail(christoffersen_statistic) as christoffersen_p_value,
    kupiec_statistic + christoffersen_statistic as conditional_coverage_statistic,
    exp(-(kupiec_statistic + christoffersen_statistic) / 2) as conditional_coverage_p_value,
    parkinson_63d,
    garman_klass_63d,
    rogers_satchell_63d,
    yang_zhang_63d,
    ewma_volatility
from priced
inner join peaks using (session_date, symbol)
left join falls using (session_date, symbol)
left join betas using (session_date, symbol)
left join statistics using (session_date, symbol)
left join intraday using (session_date, symbol)
left join nights using (session_date, symbol)
left join ewma using (session_date, symbol)
qualify in_window(priced.session_date)
