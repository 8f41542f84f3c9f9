{#- In each group the newest date is at most `days` before the world's today. Without a
    `world_clock` the test passes. -#}
{% test recency(model, column_name, group_by, days) %}

    {%- set today = run_setting('world_clock') %}

    select {{ group_by }}, max({{ column_name }}) as newest
    from {{ model }}
    group by {{ group_by }}
    having {{ "max(" ~ column_name ~ ") < date '" ~ today ~ "' - " ~ days if today else "false" }}

{% endtest %}
