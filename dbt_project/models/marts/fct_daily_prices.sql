{{ config(
    tags=['prices'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['session_date']
) }}
-- depends_on: {{ ref('dim_date') }}

with prices as (

    select * from {{ ref('stg_market__bank_prices') }}
    where {{ in_window('session_date') }}

),

securities as (

    select * from {{ ref('dim_security') }}

)

select
    coalesce(securities.security_key, -1) as security_key,
    {{ date_key('prices.session_date') }} as date_key,
    prices.symbol,
    prices.session_date,
    prices.open,
    prices.high,
    prices.low,
    prices.close,
    prices.adjusted_close,
    prices.volume,
    prices.dividend as dividend_usd,
    prices.split_ratio,
    prices.session_number,
    prices.scale_break,
    -- The range estimators need all four prices, in order.
    coalesce(
        prices.low > 0
        and prices.low <= least(prices.open, prices.close)
        and prices.high >= greatest(prices.open, prices.close)
        and prices.open is not null
        and prices.close is not null,
        false
    ) as has_valid_range,
    prices.source,
    prices.is_synthetic
from prices
left join securities
    on
        prices.symbol = securities.symbol
        and prices.session_date >= securities.valid_from
        and prices.session_date < securities.valid_to
