{#- Half-open ranges [lower, upper) of one partition do not overlap and are not empty; with `gaps`
    set to false the next range starts where the last one ended. -#}
{% test mutually_exclusive_ranges(model, lower, upper, partition_by, gaps=true) %}

    with ranges as (
        select
            *,
            lead({{ lower }}) over (
                partition by {{ partition_by | join(', ') }} order by {{ lower }}
            ) as next_lower
        from {{ model }}
    )

    select * from ranges
    where {{ lower }} >= {{ upper }} or next_lower {{ '<' if gaps else '!=' }} {{ upper }}

{% endtest %}
