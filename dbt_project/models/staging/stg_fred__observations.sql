{{ config(tags=['macro']) }}

with source as (

    select * from {{ source('staging', 'fred_observations') }}

)

select
    series_id,
    observation_date,
    {{ partition_date() }} as observation_month,
    realtime_start,
    realtime_end,
    value,
    pit_method,
    vintage_date,
    source,
    is_synthetic
from source
