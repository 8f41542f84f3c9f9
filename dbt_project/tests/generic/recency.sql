{#- In each group the newest date lies at most `days` before the world's today. Without a
    `world_clock` there is no today, and the test passes. -#}
{% test recency(model, column, group_by, days) %}

    {%- set today = run_setting('world_clock') %}

    select {{ group_by }}, max({{ column }}) as newest
    from {{ model }}
    group by {{ group_by }}
    having {{ "max(" ~ column ~ ") < date '" ~ today ~ "' - " ~ days if today else "false" }}

{% endtest %}
