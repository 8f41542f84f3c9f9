{#- Every value of the columns is within [min_value, max_value]; nulls pass, either end is optional. -#}
{% test accepted_range(model, columns, min_value=none, max_value=none, inclusive=true) %}

    select {{ columns | join(', ') }}
    from {{ model }}
    where
        false
        {%- for column in columns %}
            {%- if min_value is not none %}
                or {{ column }} {{ '<' if inclusive else '<=' }} {{ min_value }}
            {%- endif %}
            {%- if max_value is not none %}
                or {{ column }} {{ '>' if inclusive else '>=' }} {{ max_value }}
            {%- endif %}
        {%- endfor %}

{% endtest %}
