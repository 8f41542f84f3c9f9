{{ config(
    tags=['loans'], materialized='incremental', incremental_strategy='window',
    incremental_predicates=['issue_month']
) }}
-- depends_on: {{ ref('fct_loans') }}

with loans as (

    select * from {{ ref('int_loan_borrowers') }}
    where {{ in_window('issue_month') }}

)

select
    {{ surrogate_key(['loan_id']) }} as loan_key,
    loan_id,
    issue_month,
    credit_policy_met,
    -- Class O and class P by whitelist: no column of class X (known only afterwards) is here.
    {{ origination_columns() | join(',\n    ') }},
    emp_length_missing,
    income_effective,
    dti_effective,
    fico_midpoint
from loans
