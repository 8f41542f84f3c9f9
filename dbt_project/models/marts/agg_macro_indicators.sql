{{ config(tags=['macro']) }}

with levels as (

    select * from {{ ref('fct_macro_observations') }}
    where value is not null

),

-- The indicator, its series, and how many months before the other level lies.
indicators as (

    select *
    from (
        values
            ('unrate', 'UNRATE', 0),
            ('unrate_change_12m', 'UNRATE', 12),
            ('cpi_yoy', 'CPIAUCSL', 12),
            ('gdp_growth_saar', 'GDPC1', 3),
            ('bill_rate_discount', 'DTB3', 0),
            ('fed_funds_rate', 'FEDFUNDS', 0)
    ) as listed (indicator_id, series_id, months_back)

),

-- Both levels as they stood on the same day: the intervals in which both were published.
pairs as (

    select
        indicators.indicator_id,
        indicators.series_id,
        later.observation_date,
        greatest(later.realtime_start, earlier.realtime_start) as realtime_start,
        least(later.realtime_end, earlier.realtime_end) as realtime_end,
        later.value as level,
        nullif(earlier.value, 0) as level_before,
        case
            when later.pit_method = 'alfred' and earlier.pit_method = 'alfred' then 'alfred' else 'rule'
        end as pit_method
    from indicators
    inner join levels as later on indicators.series_id = later.series_id
    inner join levels as earlier
        on
            later.series_id = earlier.series_id
            and later.observation_date - to_months(indicators.months_back) = earlier.observation_date
            and later.realtime_start < earlier.realtime_end
            and earlier.realtime_start < later.realtime_end

),

computed as (

    select
        *,
        case indicator_id
            when 'unrate' then level
            when 'unrate_change_12m' then level - level_before
            when 'cpi_yoy' then 100 * (level / level_before - 1)
            when 'gdp_growth_saar' then 100 * (pow(level / level_before, 4) - 1)
            else level / 100
        end as value
    from pairs

)

select
    indicator_id,
    series_id,
    observation_date,
    realtime_start,
    realtime_end,
    value,
    pit_method
from computed
where value is not null
