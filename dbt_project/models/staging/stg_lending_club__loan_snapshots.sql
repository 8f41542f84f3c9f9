{{ config(tags=['loans']) }}

with source as (

    select * from {{ source('staging', 'lending_club_loan_snapshots') }}

)

select
    loan_id,
    {{ partition_date() }} as snapshot_month,
    issue_d as issue_month,
    loan_status,
    out_prncp,
    funded_amnt,
    total_rec_prncp,
    total_rec_int
from source
