{#- Inlined: as a view it would be one more asset with thousands of daily partitions. -#}
{{ config(tags=['prices'], materialized='ephemeral') }}

with source as (

    select * from {{ source('staging', 'bank_prices') }}

)

select
    symbol,
    {{ partition_date() }} as session_date,
    open,
    high,
    low,
    close,
    adjusted_close,
    volume,
    dividend,
    split_ratio,
    session_number,
    scale_break,
    source,
    is_synthetic
from source
