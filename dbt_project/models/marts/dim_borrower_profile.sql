{{ config(tags=['loans']) }}

with loans as (

    select * from {{ ref('int_loan_borrowers') }}

),

profiles as (

    select distinct
        emp_length_band,
        home_ownership_band,
        verification_band,
        income_band,
        fico_band,
        dti_band,
        application_type_band
    from loans

)

select
    {{ borrower_profile_key() }} as borrower_profile_key,
    emp_length_band,
    home_ownership_band,
    verification_band,
    income_band,
    fico_band,
    dti_band,
    application_type_band
from profiles
union all
select
    -1,
    'unknown',
    'unknown',
    'unknown',
    'unknown',
    'unknown',
    'unknown',
    'unknown'
