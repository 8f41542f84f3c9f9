{#- Coupon-equivalent yield of a bill quoted at a bank discount, both as fractions:
    365 d / (360 - days d), with 91 days for the three-month bill. -#}
{% macro coupon_equivalent_yield(discount, days=91) -%}
    365 * {{ discount }} / (360 - {{ days }} * {{ discount }})
{%- endmacro %}


{#- The yield per trading day, 252 to a year: (1 + y)^(1/252) - 1. -#}
{% macro daily_rate(yearly_rate) -%}
    pow(1 + {{ yearly_rate }}, 1 / 252.0) - 1
{%- endmacro %}
