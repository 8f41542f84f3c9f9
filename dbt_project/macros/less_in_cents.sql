{#- The difference of two amounts in dollars, each rounded to cents as the facts store it. -#}
{% macro less_in_cents(amount, less) -%}
    cast({{ amount }} as decimal(18, 2)) - cast({{ less }} as decimal(18, 2))
{%- endmacro %}
