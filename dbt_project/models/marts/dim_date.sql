{{ config(tags=['shared']) }}

with closures as (

    select closure_date from {{ ref('us_market_closures') }}

),

days as (

    select cast(moment as date) as calendar_day
    from generate_series(date '1900-01-01', date '2035-12-31', interval 1 day) as series (moment)

),

members as (

    select
        calendar_day,
        {{ date_key('calendar_day') }} as date_key,
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
    calendar_day as calendar_date,
    cast(date_trunc('month', calendar_day) as date) as month_start_date,
    cast(date_trunc('quarter', calendar_day) as date) as quarter_start_date,
    cast(year(calendar_day) as integer) as calendar_year,
    cast(quarter(calendar_day) as integer) as calendar_quarter,
    cast(month(calendar_day) as integer) as calendar_month,
    cast(isodow(calendar_day) as integer) as iso_weekday,
    day(calendar_day) = 1 as is_month_start,
    -- The seed lists closures from 1960 on; earlier days are unknown.
    case
        when calendar_day >= date '1960-01-01'
            then isodow(calendar_day) <= 5 and closures.closure_date is null
    end as is_us_market_day,
    -- The fiscal year of the United States starts in October.
    cast(year(calendar_day + interval 3 month) as integer) as us_fiscal_year
from members
left join closures on members.calendar_day = closures.closure_date
