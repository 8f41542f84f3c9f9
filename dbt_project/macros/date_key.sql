{#- The yyyymmdd key of dim_date; `missing` is -1 (unknown) or -2 (not yet). -#}
{% macro date_key(column, missing=-1) -%}
    cast(
        coalesce(year({{ column }}) * 10000 + month({{ column }}) * 100 + day({{ column }}), {{ missing }})
        as integer
    )
{%- endmacro %}
