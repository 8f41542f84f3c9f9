{{ config(tags=['shared']) }}

with states as (

    select * from {{ ref('us_states') }}

),

prefixes as (

    select lpad(cast(unnest(range(1000)) as varchar), 3, '0') as zip3
    union all
    select 'unknown'

),

places as (

    select
        states.state_code,
        states.state_name,
        states.census_region,
        states.census_division,
        prefixes.zip3
    from states
    cross join prefixes

)

select
    {{ geography_key('state_code', 'zip3') }} as geography_key,
    state_code,
    zip3,
    state_name,
    census_region,
    census_division
from places
union all
select
    -1,
    'unknown',
    'unknown',
    'Unknown',
    'unknown',
    'unknown'
