{{ config(tags=['shared']) }}

with statuses as (

    select * from {{ ref('loan_statuses') }}

)

select
    {{ surrogate_key(['loan_status']) }} as loan_status_key,
    loan_status,
    loan_state,
    is_terminal,
    is_bad,
    dpd_min,
    dpd_max,
    status_order
from statuses
union all
select
    -1,
    'unknown',
    'unknown',
    false,
    false,
    null,
    null,
    0
