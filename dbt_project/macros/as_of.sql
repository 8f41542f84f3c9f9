{#- Condition for rows whose value was the published one on a day; intervals are half open. The last
    of all days is in the intervals that have no end. -#}
{% macro known_at(day) -%}
    realtime_start <= {{ day }}
    and ({{ day }} < realtime_end or realtime_end = date '9999-12-31')
{%- endmacro %}


{#- The latest observation of a series that was known on a day, as it was known then: one row in
    parentheses, to select from. `series` and `day` are SQL expressions. No row is older than
    `oldest_days`: two periods and a late release of a quarterly series by default. -#}
{% macro as_of(series, day, observations, oldest_days=275) -%}
    (
        select *
        from {{ observations }}
        where
            series_id = {{ series }} and {{ known_at(day) }} and value is not null
            and observation_date <= {{ day }}
            and observation_date >= {{ day }} - {{ oldest_days }}
        order by observation_date desc
        limit 1
    )
{%- endmacro %}
