{{ config(tags=['loans']) }}

with loans as (

    select * from {{ ref('stg_lending_club__loans') }}

),

-- A joint loan is repaid from both incomes; the first borrower's own ratio is misleading.
stated as (

    select
        *,
        coalesce(application_type in ('Joint App', 'JOINT'), false) as is_joint,
        case
            when is_joint then coalesce(annual_inc_joint, annual_inc) else annual_inc
        end as income_stated,
        case when is_joint then coalesce(dti_joint, dti) else dti end as dti_stated
    from loans

),

effective as (

    select
        * exclude (income_stated, dti_stated),
        nullif(income_stated, 0) as income_effective,
        -- Upstream writes -1 and 999 for unknown; ratios above 100 are meaningless.
        case when dti_stated between 0 and 100 then dti_stated end as dti_effective,
        (fico_range_low + fico_range_high) / 2 as fico_midpoint
    from stated

)

select
    * exclude (is_joint),
    {{ borrower_bands() }}
from effective
