{{ config(
    tags=['rejections'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['application_month']
) }}
-- depends_on: {{ ref('dim_date') }}

with rejections as (

    select * from {{ ref('stg_lending_club__rejections') }}
    where {{ in_window('application_month') }}

),

places as (

    select geography_key from {{ ref('dim_geography') }}

),

keyed as (

    select
        *,
        {{ surrogate_key(['file_sha256', 'line_number']) }} as rejection_key,
        {{ geography_key('state', 'zip3') }} as place_hash
    from rejections

)

select
    keyed.rejection_key,
    keyed.application_date,
    keyed.application_month,
    {{ date_key('keyed.application_date') }} as application_date_key,
    coalesce(places.geography_key, -1) as geography_key,
    cast(keyed.amount_requested as decimal(18, 2)) as amount_requested_usd,
    keyed.risk_score,
    keyed.dti,
    cast(keyed.employment_length as integer) as employment_length_years,
    keyed.source
from keyed
left join places on keyed.place_hash = places.geography_key
