{#- Inlined: as a view it would be one more asset with thousands of daily partitions. -#}
{{ config(tags=['market_bars'], materialized='ephemeral') }}

with source as (

    select * from {{ source('staging', 'market_alerts') }}

)

select
    alert_id,
    symbol,
    {{ partition_date() }} as session_date,
    window_start_at,
    bar_seconds,
    rule,
    severity,
    zscore,
    close,
    revision,
    source,
    is_synthetic
from source
