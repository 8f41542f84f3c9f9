{{ config(tags=['loans']) }}
{%- set lag = run_setting('default_lag_months') %}
{%- set cutoff = run_setting('maturity_cutoff') %}

with loans as (

    select * from {{ ref('int_loan_borrowers') }}

),

statuses as (

    select loan_status, loan_state from {{ ref('loan_statuses') }}

),

dated as (

    select
        loans.*,
        statuses.loan_state,
        cast(issue_month + to_months(cast(term as integer)) as date) as maturity_month,
        -- Outcomes after the snapshot are unknown, even if the cut-off is later.
        {% if cutoff -%}
            least(snapshot_month, date '{{ cutoff }}')
        {%- else -%} snapshot_month {%- endif %} as known_until_month,
        case
            when loan_state = 'BAD'
                then cast(coalesce(last_pymnt_d, issue_month) + to_months({{ lag }}) as date)
        end as default_month,
        case
            when loan_state = 'PAID' then coalesce(last_pymnt_d, least(maturity_month, snapshot_month))
        end as payoff_month,
        maturity_month <= known_until_month as is_matured
    from loans
    left join statuses on loans.loan_status = statuses.loan_status

),

timed as (

    select
        *,
        datediff('month', issue_month, known_until_month) as months_observed,
        datediff('month', issue_month, default_month) as months_to_default,
        datediff(
            'month', issue_month, coalesce(default_month, payoff_month, snapshot_month)
        ) as months_to_event
    from dated

)

select
    * exclude (months_observed, months_to_default, months_to_event),
    loan_state not in ('BAD', 'PAID') as is_active,
    -- The last payment may be a recovery after the charge-off, hence the upper limit.
    cast(
        case
            when loan_state = 'BAD' then greatest(least(months_to_event, term + {{ lag }}), 1)
            else greatest(months_to_event, 1)
        end as integer
    ) as duration_months,
    cast(case loan_state when 'BAD' then 1 when 'PAID' then 0 end as smallint) as default_d0,
    case when is_matured and credit_policy_met then default_d0 end as default_d1,
    cast(loan_state in ('BAD', 'D31_120') as smallint) as default_d2,
    {%- for months in [12, 24] %}
        cast(
            case
                when credit_policy_met and months_observed >= {{ months }} + {{ lag }}
                    then coalesce(months_to_default <= {{ months }}, false)
            end as smallint
        ) as default_d3_{{ months }},
    {%- endfor %}
    -- From whole cents, as facts store both amounts.
    case when loan_state = 'BAD' then {{ less_in_cents('funded_amnt', 'total_rec_prncp') }} end as ead,
    case
        when loan_state = 'BAD'
            then funded_amnt - total_rec_prncp - recoveries + collection_recovery_fee
    end as net_loss
from timed
