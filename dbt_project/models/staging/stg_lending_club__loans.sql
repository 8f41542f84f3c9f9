{{ config(tags=['loans']) }}

with source as (

    select * from {{ source('staging', 'lending_club_loans') }}

)

select
    loan_id,
    {{ partition_date() }} as issue_month,
    snapshot_month,
    credit_policy_met,
    emp_length_missing,
    left(zip_code, 3) as zip3,
    loan_status,
    out_prncp,
    total_pymnt,
    total_rec_prncp,
    total_rec_int,
    total_rec_late_fee,
    recoveries,
    collection_recovery_fee,
    last_pymnt_d,
    source,
    is_synthetic,
    {{ origination_columns() | join(',\n    ') }}
from source
