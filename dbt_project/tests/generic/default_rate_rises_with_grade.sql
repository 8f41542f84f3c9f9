{#- The share of loans with the flag set does not fall from one grade to the next by more than
    sampling explains (two-proportion z test at 95%); grades with fewer than 30 loans are left out. -#}
{% test default_rate_rises_with_grade(model, column_name, grades) %}

    {%- set z_95 = 1.959963984540054 %}

    with rates as (
        select grade, count({{ column_name }}) as loans, sum({{ column_name }}) as bad_loans
        from {{ model }}
        where grade in ('{{ grades | join("', '") }}')
        group by grade
        having count({{ column_name }}) >= 30
    ),

    pairs as (
        select
            safer.grade,
            safer.bad_loans / safer.loans as rate,
            riskier.grade as next_grade,
            riskier.bad_loans / riskier.loans as next_rate,
            (safer.bad_loans + riskier.bad_loans) / (safer.loans + riskier.loans) as pooled_rate,
            1 / safer.loans + 1 / riskier.loans as reciprocals
        from rates as safer
        inner join rates as riskier on ascii(riskier.grade) = ascii(safer.grade) + 1
    )

    select grade, rate, next_grade, next_rate
    from pairs
    where rate - next_rate > {{ z_95 }} * sqrt(pooled_rate * (1 - pooled_rate) * reciprocals)

{% endtest %}
