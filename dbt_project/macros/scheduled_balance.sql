{#- Balance that an annuity loan still owes after `months` payments, in dollars:
    P ((1 + i)^n - (1 + i)^k) / ((1 + i)^n - 1), with the months counted up to the term. -#}
{% macro scheduled_balance(amount, monthly_rate, term, months) -%}
    case
        when {{ monthly_rate }} = 0
            then {{ amount }} * (1 - least({{ months }}, {{ term }}) / nullif({{ term }}, 0))
        else
            {{ amount }} * (
                pow(1 + {{ monthly_rate }}, {{ term }})
                - pow(1 + {{ monthly_rate }}, least({{ months }}, {{ term }}))
            ) / nullif(pow(1 + {{ monthly_rate }}, {{ term }}) - 1, 0)
    end
{%- endmacro %}


{#- The constant payment of an annuity loan, in dollars a month: P i / (1 - (1 + i)^-n). -#}
{% macro annuity(amount, monthly_rate, term) -%}
    case
        when {{ monthly_rate }} = 0 then {{ amount }} / nullif({{ term }}, 0)
        else
            {{ amount }} * {{ monthly_rate }} / nullif(1 - pow(1 + {{ monthly_rate }}, -{{ term }}), 0)
    end
{%- endmacro %}
