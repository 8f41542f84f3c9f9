-- noqa: disable=LT09
{{ config(
    tags=['loans'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['issue_month']
) }}
-- depends_on: {{ ref('dim_date') }}

with outcomes as (

    select * from {{ ref('int_loan_outcomes') }}
    where {{ in_window('issue_month') }}

),

profiles as (select borrower_profile_key from {{ ref('dim_borrower_profile') }}),

grades as (select * from {{ ref('dim_grade') }}),

places as (select geography_key from {{ ref('dim_geography') }}),

purposes as (select * from {{ ref('dim_purpose') }}),

statuses as (select * from {{ ref('dim_loan_status') }}),

keyed as (

    select
        *,
        {{ surrogate_key(['loan_id']) }} as loan_key,
        {{ borrower_profile_key() }} as profile_hash,
        {{ geography_key('addr_state', 'zip3') }} as place_hash
    from outcomes

)

select
    keyed.loan_key, keyed.loan_id,
    keyed.issue_month, keyed.maturity_month, keyed.last_pymnt_d as last_payment_month,
    keyed.default_month, keyed.payoff_month, keyed.snapshot_month,
    {{ date_key('keyed.issue_month') }} as issue_date_key,
    {{ date_key('keyed.maturity_month') }} as maturity_date_key,
    {{ date_key('keyed.last_pymnt_d', -2) }} as last_payment_date_key,
    {{ date_key('keyed.default_month', -2) }} as default_date_key,
    {{ date_key('keyed.payoff_month', -2) }} as payoff_date_key,
    {{ date_key('keyed.snapshot_month') }} as snapshot_date_key,
    coalesce(profiles.borrower_profile_key, -1) as borrower_profile_key,
    coalesce(grades.grade_key, -1) as grade_key,
    coalesce(places.geography_key, -1) as geography_key,
    coalesce(purposes.purpose_key, -1) as purpose_key,
    coalesce(statuses.loan_status_key, -1) as loan_status_key,
    cast(keyed.term as integer) as term_months,
    keyed.grade, keyed.sub_grade, keyed.loan_status, keyed.loan_state,
    keyed.credit_policy_met,
    cast(keyed.loan_amnt as decimal(18, 2)) as loan_amount_usd,
    cast(keyed.funded_amnt as decimal(18, 2)) as funded_amount_usd,
    cast(keyed.installment as decimal(18, 2)) as installment_usd,
    cast(keyed.total_pymnt as decimal(18, 2)) as total_payment_usd,
    cast(keyed.total_rec_prncp as decimal(18, 2)) as principal_received_usd,
    cast(keyed.total_rec_int as decimal(18, 2)) as interest_received_usd,
    cast(keyed.total_rec_late_fee as decimal(18, 2)) as late_fees_received_usd,
    cast(keyed.recoveries as decimal(18, 2)) as recoveries_usd,
    cast(keyed.collection_recovery_fee as decimal(18, 2)) as collection_recovery_fee_usd,
    cast(keyed.out_prncp as decimal(18, 2)) as outstanding_principal_usd,
    cast(keyed.ead as decimal(18, 2)) as ead_usd,
    cast(keyed.net_loss as decimal(18, 2)) as net_loss_usd,
    keyed.int_rate as interest_rate,
    cast(keyed.income_effective as decimal(18, 2)) as annual_income_effective_usd,
    keyed.dti_effective,
    keyed.fico_midpoint,
    keyed.duration_months,
    keyed.is_matured, keyed.is_active,
    keyed.default_d0, keyed.default_d1, keyed.default_d2, keyed.default_d3_12, keyed.default_d3_24,
    keyed.source, keyed.is_synthetic
from keyed
left join profiles on keyed.profile_hash = profiles.borrower_profile_key
left join grades on keyed.sub_grade = grades.sub_grade
left join places on keyed.place_hash = places.geography_key
left join purposes on keyed.purpose = purposes.purpose
left join statuses on keyed.loan_status = statuses.loan_status
