{{ config(
    tags=['market_bars'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['session_date']
) }}
-- depends_on: {{ ref('dim_date') }}
-- depends_on: {{ ref('fct_market_bars') }}

with alerts as (

    select * from {{ ref('stg_market__alerts') }}
    where {{ in_window('session_date') }}

),

securities as (

    select * from {{ ref('dim_security') }}

)

select
    {{ surrogate_key(['alerts.alert_id']) }} as alert_key,
    coalesce(securities.security_key, -1) as security_key,
    {{ date_key('alerts.session_date') }} as date_key,
    alerts.alert_id,
    alerts.symbol,
    alerts.session_date,
    alerts.window_start_at,
    alerts.bar_seconds,
    alerts.rule,
    alerts.severity,
    alerts.zscore,
    alerts.close,
    alerts.revision,
    alerts.source,
    alerts.is_synthetic
from alerts
left join securities
    on
        alerts.symbol = securities.symbol
        and alerts.session_date >= securities.valid_from
        and alerts.session_date < securities.valid_to
