{#- No row makes any of the expressions false; an expression that is null passes. -#}
{% test expression_is_true(model, expressions) %}

    select *
    from {{ model }}
    where
        {%- for expression in expressions %}
            {{ 'or ' if not loop.first }}({{ expression }}) is false
        {%- endfor %}

{% endtest %}
