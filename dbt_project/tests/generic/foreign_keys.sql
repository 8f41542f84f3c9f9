{#- Every value of the listed columns is a key of its dimension. One test covers all references of a
    table, since each test costs a round trip; the result names the column. -#}
{% test foreign_keys(model, references) %}

    {%- for reference in references %}
        {%- set outer = loop %}
        {%- for column in reference.columns %}
            {{ 'union all' if not (outer.first and loop.first) }}
            select '{{ column }}' as column_name, cast(fact.{{ column }} as bigint) as missing_key
            from (select distinct {{ column }} from {{ model }}) as fact
            anti join {{ reference.to }} as dimension
                on fact.{{ column }} = dimension.{{ reference.field }}
        {%- endfor %}
    {%- endfor %}

{% endtest %}
