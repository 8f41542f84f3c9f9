{{ config(tags=['macro']) }}

with levels as (

    select * from {{ ref('fct_macro_observations') }}
    where value is not null

),

-- Each indicator, its series, and the months between its two levels.
indicators (indicator_id, series_id, months_back) as (

    values
    ('unrate', 'UNRATE', 0),
    ('unrate_change_12m', 'UNRATE', 12),
    ('cpi_yoy', 'CPIAUCSL', 12),
    ('gdp_growth_saar', 'GDPC1', 3),
    ('bill_rate_discount', 'DTB3', 0),
    ('fed_funds_rate', 'FEDFUNDS', 0)

),

-- Materialized: otherwise the planner joins all dates of a series first.
later as materialized (

    select
        indicators.indicator_id,
        levels.*,
        cast(levels.observation_date - to_months(indicators.months_back) as date) as date_before
    from levels
    inner join indicators on levels.series_id = indicators.series_id

),

-- The intervals in which both levels were the published ones.
pairs as (

    select
        later.indicator_id,
        later.series_id,
        later.observation_date,
        greatest(later.realtime_start, earlier.realtime_start) as realtime_start,
        least(later.realtime_end, earlier.realtime_end) as realtime_end,
        later.value as level_now,
        earlier.value as level_before,
        -- A pair is dated by rule if one of its levels is: 'alfred' sorts before 'rule'.
        greatest(later.pit_method, earlier.pit_method) as pit_method
    from later
    inner join levels as earlier
        on
            later.series_id = earlier.series_id
            and later.date_before = earlier.observation_date
            and later.realtime_start < earlier.realtime_end
            and earlier.realtime_start < later.realtime_end
            -- Levels of copies may be on different bases; recorded ones change all at once.
            and (
                coalesce(later.vintage_date, earlier.vintage_date) is null
                or later.series_key = earlier.series_key
            )
            -- Growth from zero or below is undefined.
            and (later.indicator_id not in ('cpi_yoy', 'gdp_growth_saar') or earlier.value > 0)

)

select
    indicator_id,
    series_id,
    observation_date,
    realtime_start,
    realtime_end,
    case indicator_id
        when 'unrate' then level_now
        when 'unrate_change_12m' then level_now - level_before
        when 'cpi_yoy' then 100 * (level_now / nullif(level_before, 0) - 1)
        when 'gdp_growth_saar' then 100 * (pow(level_now / nullif(level_before, 0), 4) - 1)
        else level_now / 100
    end as value, -- noqa: RF04
    pit_method
from pairs
