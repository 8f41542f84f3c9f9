{{ config(tags=['loans']) }}

with snapshots as (

    select * from {{ ref('stg_lending_club__loan_snapshots') }}

),

statuses as (

    select * from {{ ref('loan_statuses') }}

)

select
    snapshots.loan_id,
    snapshots.issue_month,
    snapshots.snapshot_month,
    snapshots.loan_status,
    statuses.loan_state,
    statuses.is_terminal,
    -- Upstream shows 0 after a charge-off, although the loss is still owed.
    case
        when statuses.is_bad then snapshots.funded_amnt - snapshots.total_rec_prncp
        when statuses.is_terminal then 0
        else snapshots.out_prncp
    end as closing_balance,
    snapshots.total_rec_int as interest_received
from snapshots
inner join statuses on snapshots.loan_status = statuses.loan_status
