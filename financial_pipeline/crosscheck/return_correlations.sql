-- Rolling correlations over sessions on which both banks have a return.
with pairs as (
    select
        a.session_date,
        a.session_number,
        a.symbol as symbol_a,
        b.symbol as symbol_b,
        a.simple_return as return_a,
        b.simple_return as return_b
    from bank_returns as a
    inner join bank_returns as b on a.session_date = b.session_date and a.symbol < b.symbol
),

windows as (
    select
        session_date,
        symbol_a,
        symbol_b,
        session_number - min(session_number) over pair as age,
        count(*) over w63 as n63,
        count(*) over w252 as n252,
        case
            when age >= 62 and n63 >= 60
                and least(stddev_samp(return_a) over w63, stddev_samp(return_b) over w63) > 1e-12
                then corr(return_a, return_b) over w63
        end as correlation_63d,
        case
            when age >= 251 and n252 >= 240
                and least(stddev_samp(return_a) over w252, stddev_samp(return_b) over w252) > 1e-12
                then corr(return_a, return_b) over w252
        end as correlation_252d
    from pairs
    where return_a is not null and return_b is not null
    window
        pair as (partition by symbol_a, symbol_b order by session_number),
        w63 as (partition by symbol_a, symbol_b order by session_number range 62 preceding),
        w252 as (partition by symbol_a, symbol_b order by session_number range 251 preceding)
)

select
    session_date,
    symbol_a,
    symbol_b,
    correlation_63d,
    correlation_252d,
    n63 as common_returns_63d,
    n252 as common_returns_252d
from pairs
left join windows using (session_date, symbol_a, symbol_b)
where in_window(session_date)
