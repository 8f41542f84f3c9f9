-- Rolling deviations over rows that have a return.
with windows as (
    select
        session_date,
        symbol,
        case when count(*) over w21 >= 21 then stddev_samp(simple_return) over w21 end as s21,
        case when count(*) over w63 >= 63 then stddev_samp(simple_return) over w63 end as s63,
        case when count(*) over w252 >= 252 then stddev_samp(simple_return) over w252 end as s252
    from bank_returns
    where simple_return is not null
    window
        w21 as (partition by symbol order by session_date rows 20 preceding),
        w63 as (partition by symbol order by session_date rows 62 preceding),
        w252 as (partition by symbol order by session_date rows 251 preceding)
)

select
    session_date,
    symbol,
    simple_return,
    s21 * sqrt(252) as volatility_21d,
    s63 * sqrt(252) as volatility_63d,
    s252 * sqrt(252) as volatility_252d
from bank_returns
left join windows using (session_date, symbol)
where in_window(session_date)
