-- Rolling deviations over the returns of the last n sessions, 19 of 20 of which must be there.
with windows as (
    select
        session_date,
        symbol,
        session_number - min(session_number) over bank as age,
        count(*) over w21 as n21,
        count(*) over w63 as n63,
        count(*) over w252 as n252,
        case when age >= 20 and n21 >= 20 then stddev_samp(simple_return) over w21 end as s21,
        case when age >= 62 and n63 >= 60 then stddev_samp(simple_return) over w63 end as s63,
        case when age >= 251 and n252 >= 240 then stddev_samp(simple_return) over w252 end as s252
    from bank_returns
    where simple_return is not null
    window
        bank as (partition by symbol order by session_number),
        w21 as (partition by symbol order by session_number range 20 preceding),
        w63 as (partition by symbol order by session_number range 62 preceding),
        w252 as (partition by symbol order by session_number range 251 preceding)
)

select
    session_date,
    symbol,
    simple_return,
    return_note,
    s21 * sqrt(252) as volatility_21d,
    s63 * sqrt(252) as volatility_63d,
    s252 * sqrt(252) as volatility_252d,
    n21 as returns_21d,
    n63 as returns_63d,
    n252 as returns_252d
from bank_returns
left join windows using (session_date, symbol)
where in_window(session_date)
