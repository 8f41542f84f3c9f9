{{ config(
    tags=['yields'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['curve_month']
) }}
-- depends_on: {{ ref('dim_date') }}

with yields as (

    select * from {{ ref('stg_treasury__yields') }}
    where {{ in_window('curve_month') }}

)

select
    {{ date_key('yields.curve_date') }} as date_key,
    yields.curve_date,
    yields.curve_month,
    yields.yield_3m,
    yields.yield_10y,
    yields.yield_10y - yields.yield_3m as term_spread,
    yields.source,
    yields.is_synthetic
from yields
