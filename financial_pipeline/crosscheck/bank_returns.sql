-- One row per bank and session, with the simple return since the session before.
create or replace temporary table bank_returns as

with priced as (
    select * from fct_daily_prices
    where adjusted_close > 0
),

listings as (
    select
        symbol,
        min(session_date) as listed_from,
        max(session_date) as listed_to
    from priced
    group by symbol
),

sessions as (
    select
        session_date,
        row_number() over (order by session_date) as session_number
    from (select session_date, count(*) as prices from priced group by session_date) as days
    where prices * 5 >= 4 * (
        select count(*) from listings
        where days.session_date between listed_from and listed_to
    )
),

numbered as (
    select
        priced.*,
        session_number,
        lag(session_number) over bank as number_before,
        lag(adjusted_close) over bank as price_before
    from priced
    inner join sessions using (session_date)
    window bank as (partition by symbol order by session_date)
)

select
    * exclude (number_before),
    case when session_number = number_before + 1 then adjusted_close / price_before - 1 end as simple_return
from numbered;
