{{ config(tags=['shared']) }}

with closures as (

    select closure_date from {{ ref('us_market_closures') }}

),

days as (

    select cast(unnest(generate_series(date '1900-01-01', date '2035-12-31', interval 1 day)) as date) as day

),

members as (

    select
        day,
        {{ date_key('day') }} as date_key,
        'day' as member
    from days
    union all
    select
        null,
        -1,
        'unknown'
    union all
    select
        null,
        -2,
        'not yet'

)

select
    date_key,
    member,
    day as calendar_date,
    cast(date_trunc('month', day) as date) as month_start_date,
    cast(date_trunc('quarter', day) as date) as quarter_start_date,
    cast(year(day) as integer) as calendar_year,
    cast(quarter(day) as integer) as calendar_quarter,
    cast(month(day) as integer) as calendar_month,
    cast(isodow(day) as integer) as iso_weekday,
    day(day) = 1 as is_month_start,
    -- The closures are listed from 1960 on; before that the answer is unknown.
    case
        when day >= date '1960-01-01' then isodow(day) <= 5 and closures.closure_date is null
    end as is_us_market_day,
    -- The fiscal year of the United States starts in October.
    cast(year(day + interval 3 month) as integer) as us_fiscal_year
from members
left join closures on members.day = closures.closure_date
