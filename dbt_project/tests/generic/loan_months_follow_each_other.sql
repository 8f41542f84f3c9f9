{#- The months of a loan run from 0 without a gap, each opens with the balance the last one closed
    with, and an event ends them. Grouped by loan, since a window over all months costs memory. -#}
{% test loan_months_follow_each_other(model) %}

    select
        loan_key,
        count(*) as n,
        count(distinct months_on_book) as n_distinct,
        max(months_on_book) as last_month,
        sum(opening_balance_usd) filter (where months_on_book > 0) as opened,
        sum(closing_balance_usd) - arg_max(closing_balance_usd, months_on_book) as closed,
        sum(default_event + payoff_event) as events,
        arg_max(default_event + payoff_event, months_on_book) as last_event
    from {{ model }}
    group by loan_key
    having
        n != last_month + 1
        or n_distinct != n
        or opened != closed
        or events > 1
        or events != last_event

{% endtest %}
