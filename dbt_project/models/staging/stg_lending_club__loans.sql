{{ config(tags=['loans']) }}

with source as (

    select * from {{ source('staging', 'lending_club_loans') }}

),

cleaned as (

    select
        *,
        application_type in ('Joint App', 'JOINT') as is_joint,
        case
            when is_joint then coalesce(annual_inc_joint, annual_inc) else annual_inc
        end as income_stated,
        case when is_joint then coalesce(dti_joint, dti) else dti end as dti_stated
    from source

)

select
    loan_id,
    {{ partition_date() }} as issue_month,
    snapshot_month,
    credit_policy_met,
    emp_length_missing,
    -- A joint loan stands on both incomes; the borrower's own ratio is distorted there.
    nullif(income_stated, 0) as income_effective,
    -- -1 and 999 are upstream's markers for unknown; above 100 the ratio says nothing.
    case when dti_stated between 0 and 100 then dti_stated end as dti_effective,
    (fico_range_low + fico_range_high) / 2 as fico_midpoint,
    {{ borrower_bands() }},
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
from cleaned
