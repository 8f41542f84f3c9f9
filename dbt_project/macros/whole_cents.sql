{#- Dollars as the facts store them. -#}
{% macro whole_cents(amount) -%}
    cast({{ amount }} as decimal(18, 2))
{%- endmacro %}
