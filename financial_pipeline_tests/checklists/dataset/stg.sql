{{ config(tags=['yields']) }}

with source as (

    select * from {{ source('staging', 'treasury_yields') }}

)

select
    curve_date,
    {{ partition_date() }} as curve_month,
    yield_3m,
    yield_10y,
    source,
    is_synthetic
from source
