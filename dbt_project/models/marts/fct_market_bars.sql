{{ config(
    tags=['market_bars'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['session_date']
) }}
-- depends_on: {{ ref('dim_date') }}

with bars as (

    select * from {{ ref('stg_market__bars') }}
    where {{ in_window('session_date') }}

),

securities as (

    select * from {{ ref('dim_security') }}

)

select
    coalesce(securities.security_key, -1) as security_key,
    {{ date_key('bars.session_date') }} as date_key,
    bars.symbol,
    bars.session_date,
    bars.window_start_at,
    bars.bar_seconds,
    bars.open,
    bars.high,
    bars.low,
    bars.close,
    bars.volume,
    bars.trades,
    bars.notional as notional_usd,
    bars.vwap,
    bars.vwap_basis,
    bars.message_count,
    bars.is_regular_hours,
    bars.revision,
    bars.source,
    bars.is_synthetic
from bars
left join securities
    on
        bars.symbol = securities.symbol
        and bars.session_date >= securities.valid_from
        and bars.session_date < securities.valid_to
