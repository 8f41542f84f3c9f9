{{ config(tags=['loans']) }}
{%- set lag = run_setting('default_lag_months') %}

with outcomes as (

    select
        *,
        {{ surrogate_key(['loan_id']) }} as loan_key,
        int_rate / 12 as monthly_rate,
        datediff('month', issue_month, snapshot_month) as age,
        coalesce(datediff('month', issue_month, last_pymnt_d), 0) as last_payment_age
    from {{ ref('int_loan_outcomes') }}

),

alive as (

    select loan_id, max(snapshot_month) as seen
    from {{ ref('int_loan_months_observed') }}
    where not is_terminal
    group by loan_id

),

-- A loan leaves the book with its event, but after the last snapshot that shows it alive, and at the
-- latest in the month of its last snapshot.
histories as (

    select
        outcomes.*,
        case
            when is_active then age
            else greatest(least(duration_months, greatest(age, 1)), datediff('month', issue_month, seen) + 1)
        end as last_month,
        case
            when loan_state != 'BAD' then last_payment_age
            else greatest(least(last_payment_age, duration_months - {{ lag }}), 0)
        end as last_paid_month
    from outcomes
    left join alive on outcomes.loan_id = alive.loan_id

),

months as (

    select
        *,
        unnest(range(last_month + 1)) as months_on_book,
        least(months_on_book, last_paid_month) as paid_months,
        least(greatest(months_on_book - 1, 0), last_paid_month) as paid_before
    from histories

)

select
    loan_id,
    loan_key,
    issue_month,
    cast(issue_month + to_months(cast(months_on_book as integer)) as date) as performance_month,
    months_on_book,
    term,
    grade,
    funded_amnt,
    monthly_rate,
    source,
    months_on_book between 1 and last_paid_month as is_paid,
    months_on_book = last_month and not is_active as is_last,
    case
        when is_last then loan_state
        when loan_state not in ('BAD', 'D31_120') or months_on_book <= last_paid_month then 'CURRENT'
        when months_on_book = last_paid_month + 1 then 'D16_30'
        else 'D31_120'
    end as month_state,
    {{ scheduled_balance('funded_amnt', 'monthly_rate', 'term', 'paid_before') }} as opening_balance,
    case
        when not is_last then {{ scheduled_balance('funded_amnt', 'monthly_rate', 'term', 'paid_months') }}
        when loan_state = 'BAD' then greatest(ead, 0)
        else 0
    end as closing_balance
from months
