{#- The share of loans with the flag set does not fall from one grade to the next; grades with fewer
    than 30 loans are left out. -#}
{% test default_rate_rises_with_grade(model, column_name, grades) %}

    with rates as (
        select grade, avg({{ column_name }}) as rate
        from {{ model }}
        where grade in ('{{ grades | join("', '") }}')
        group by grade
        having count({{ column_name }}) >= 30
    )

    select safer.grade, safer.rate, riskier.grade as next_grade, riskier.rate as next_rate
    from rates as safer
    inner join rates as riskier on ascii(riskier.grade) = ascii(safer.grade) + 1
    where riskier.rate < safer.rate

{% endtest %}
