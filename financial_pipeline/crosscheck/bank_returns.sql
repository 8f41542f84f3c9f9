-- One row per bank and session, with the simple return since the session before.
create or replace temporary table bank_returns as

with followed as (
    select
        *,
        session_number - lag(session_number) over bank as sessions_apart,
        lag(adjusted_close) over bank as price_before,
        count(*) filter (where scale_break = 'scale_unknown') over bank as scale
    from fct_daily_prices
    where adjusted_close > 0
    window bank as (partition by symbol order by session_date)
),

compared as (
    select
        *,
        case
            when sessions_apart is null then 'first_session'
            when sessions_apart > 1 then 'missing_session'
            else scale_break
        end as fault,
        case when fault is null then adjusted_close / price_before - 1 end as simple_return
    from followed
)

select
    * exclude (fault, sessions_apart),
    case when abs(simple_return) > 0.25 then 'beyond_25_percent' else fault end as return_note
from compared;
