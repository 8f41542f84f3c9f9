-- Macro values at every lag: as known in the credit month, or as known at the as-of month.
create or replace temporary table macro_vintages as

with sessions as (
    select session_date, avg(simple_return) as index_return
    from bank_returns
    where simple_return is not null
    group by session_date
),

index_months as (
    select
        cast(date_trunc('month', session_date) as date) as observation_date,
        exp(sum(ln(1 + index_return))) - 1 as bank_index_return,
        stddev_samp(index_return) * sqrt(252) as bank_index_volatility
    from sessions
    group by observation_date
    having count(*) >= 15
)

select indicator_id, observation_date, realtime_start, realtime_end, value
from agg_macro_indicators
where
    indicator_id in ('unrate', 'unrate_change_12m', 'cpi_yoy', 'gdp_growth_saar')
    and value is not null
union all
select name, observation_date, last_day(observation_date), date '9999-12-31', value
from (unpivot index_months on bank_index_return, bank_index_volatility into name name value value);

-- One row per credit month, macro series and lag: the newest observation current at the time.
create or replace temporary table macro_months as

with months as (select distinct as_of_month, month from credit_months),

asked as (
    select
        as_of_month,
        month,
        lag_months,
        cast(month - to_months(lag_months) as date) as place,
        last_day(if(lag_months > 0, month, as_of_month)) as known_on
    from months
    cross join (select cast(unnest(range(-12, 13)) as integer) as lag_months)
)

select
    as_of_month,
    month,
    lag_months,
    indicator_id as macro_series,
    arg_max(value, observation_date) as value,
    arg_max(realtime_start, observation_date) as release
from asked
inner join macro_vintages
    on
        realtime_start <= known_on
        and realtime_end > known_on
        and observation_date <= place
        and observation_date > place - to_months(
            case when indicator_id <> 'gdp_growth_saar' then 1 when lag_months > 0 then 12 else 3 end
        )
group by all;
