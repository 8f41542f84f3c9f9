-- noqa: disable=LT09
{{ config(
    tags=['loans'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['issue_month']
) }}
-- depends_on: {{ ref('dim_date') }}, {{ ref('fct_loans') }}

with scheduled as (

    select * from {{ ref('int_loan_months_scheduled') }}
    where {{ in_window('issue_month') }}

),

observed as (

    select * from {{ ref('int_loan_months_observed') }}
    where {{ in_window('issue_month') }}

),

statuses as (

    select *, loan_status not in ('Issued', 'Default') as is_usual
    from {{ ref('dim_loan_status') }}

),

months as (

    select
        scheduled.loan_key, scheduled.issue_month, scheduled.performance_month,
        scheduled.months_on_book, scheduled.term, scheduled.grade, scheduled.is_last, scheduled.source,
        observed.loan_id is null as is_reconstructed,
        coalesce(observed.loan_state, scheduled.month_state) as loan_state,
        observed.loan_status,
        cast(coalesce(previous.closing_balance, scheduled.opening_balance) as decimal(18, 2)) as opening,
        cast(coalesce(observed.closing_balance, scheduled.closing_balance) as decimal(18, 2)) as closing,
        case
            when observed.interest_received >= previous.interest_received
                then observed.interest_received - previous.interest_received
            when is_paid then opening * monthly_rate
            else 0
        end as interest_paid,
        greatest({{ annuity('funded_amnt', 'monthly_rate', 'term') }} - opening * monthly_rate, 0)
            as principal_due
    from scheduled
    left join observed
        on scheduled.loan_id = observed.loan_id and scheduled.performance_month = observed.snapshot_month
    left join observed as previous
        on
            scheduled.loan_id = previous.loan_id
            and cast(scheduled.performance_month - interval 1 month as date) = previous.snapshot_month

)

select
    months.loan_key, months.issue_month,
    months.performance_month,
    {{ date_key('months.performance_month') }} as performance_date_key,
    cast(months.months_on_book as integer) as months_on_book,
    cast(months.term as integer) as term_months,
    months.grade,
    months.loan_state,
    coalesce(statuses.loan_status_key, -1) as loan_status_key,
    months.opening as opening_balance_usd,
    months.closing as closing_balance_usd,
    cast(case when months_on_book > 0 then least(opening, principal_due) else 0 end as decimal(18, 2))
        as scheduled_principal_usd,
    cast(months.opening - months.closing as decimal(18, 2)) as paid_principal_usd,
    cast(months.interest_paid as decimal(18, 2)) as interest_paid_usd,
    cast(months.is_last and months.loan_state = 'BAD' as smallint) as default_event,
    cast(months.is_last and months.loan_state = 'PAID' as smallint) as payoff_event,
    months.is_reconstructed,
    months.source
from months
left join statuses
    on
        months.loan_state = statuses.loan_state
        and coalesce(months.loan_status = statuses.loan_status, statuses.is_usual)
