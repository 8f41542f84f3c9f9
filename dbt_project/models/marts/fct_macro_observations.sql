{{ config(
    tags=['macro'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=["date_trunc('month', observation_date)"]
) }}
-- depends_on: {{ ref('dim_date') }}

with observations as (

    select * from {{ ref('stg_fred__observations') }}
    where {{ in_window('observation_month') }}

),

series as (

    select * from {{ ref('dim_macro_series') }}

),

-- A null from upstream means not published, so it is not a first release.
released as (

    select
        *,
        min(realtime_start) filter (where value is not null) over (
            partition by series_id, observation_date
        ) as first_release
    from observations

)

select
    coalesce(series.series_key, -1) as series_key,
    {{ date_key('released.observation_date') }} as observation_date_key,
    {{ date_key('released.realtime_start') }} as release_date_key,
    released.series_id,
    released.observation_date,
    released.realtime_start,
    released.realtime_end,
    released.value,
    coalesce(released.realtime_start = released.first_release, false) as is_first_release,
    released.realtime_end = date '9999-12-31' as is_latest,
    released.pit_method,
    released.vintage_date,
    released.source,
    released.is_synthetic
from released
left join series
    on
        released.series_id = series.series_id
        -- A value has the units of its copy, however early a release rule dates it.
        and coalesce(released.vintage_date, released.realtime_start) >= series.valid_from
        and coalesce(released.vintage_date, released.realtime_start) < series.valid_to
