{#- Inlined: as a view it would be one more asset with thousands of daily partitions. -#}
{{ config(tags=['market_bars'], materialized='ephemeral') }}

with source as (

    select * from {{ source('staging', 'market_bars') }}

)

select
    symbol,
    {{ partition_date() }} as session_date,
    window_start_at,
    bar_seconds,
    open,
    high,
    low,
    close,
    volume,
    trades,
    notional,
    vwap,
    vwap_basis,
    message_count,
    is_regular_hours,
    revision,
    source,
    is_synthetic
from source
