{{ config(tags=['macro']) }}

with definitions as (

    select * from {{ ref('macro_series') }}

),

observations as (

    select distinct series_id from {{ ref('stg_fred__observations') }}

),

-- The time before a series' first dated record is one version; so is an unlisted series.
undated as (

    select series_id from observations
    union
    select series_id from definitions

),

versions as (

    select
        undated.series_id,
        definitions.title,
        definitions.units,
        definitions.frequency,
        definitions.seasonal_adjustment,
        definitions.record_source,
        coalesce(definitions.valid_from, date '1900-01-01') as valid_from
    from undated
    left join definitions on undated.series_id = definitions.series_id
    union all
    select
        series_id,
        title,
        null,
        frequency,
        seasonal_adjustment,
        null,
        date '1900-01-01'
    from definitions
    qualify
        row_number() over (partition by series_id order by valid_from) = 1
        and valid_from > date '1900-01-01'

)

select
    {{ surrogate_key(['series_id', 'valid_from']) }} as series_key,
    series_id,
    title,
    units,
    frequency,
    seasonal_adjustment,
    valid_from,
    lead(valid_from, 1, date '9999-12-31') over (
        partition by series_id order by valid_from
    ) as valid_to,
    record_source
from versions
union all
select
    -1,
    'unknown',
    'Unknown',
    null,
    null,
    null,
    date '1900-01-01',
    date '9999-12-31',
    null
