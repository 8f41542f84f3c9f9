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
    keyed.loan_key,
    keyed.loan_id,
    keyed.issue_month,
    keyed.maturity_month,
    keyed.last_pymnt_d as last_payment_month,
    keyed.default_month,
    keyed.payoff_month,
    keyed.snapshot_month,
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
    keyed.grade,
    keyed.sub_grade,
    keyed.loan_status,
    keyed.loan_state,
    keyed.credit_policy_met,
    {%- for upstream, name in loan_money().items() %}
        cast(keyed.{{ upstream }} as decimal(18, 2)) as {{ name }},
    {%- endfor %}
    keyed.int_rate as interest_rate,
    cast(keyed.income_effective as decimal(18, 2)) as annual_income_effective_usd,
    keyed.dti_effective,
    keyed.fico_midpoint,
    keyed.duration_months,
    {{ ['is_matured', 'is_active', 'default_d0', 'default_d1', 'default_d2', 'default_d3_12',
        'default_d3_24', 'source', 'is_synthetic'] | join(',\n    ') }}
from keyed
left join profiles on keyed.profile_hash = profiles.borrower_profile_key
left join grades on keyed.sub_grade = grades.sub_grade
left join places on keyed.place_hash = places.geography_key
left join purposes on keyed.purpose = purposes.purpose
left join statuses on keyed.loan_status = statuses.loan_status
