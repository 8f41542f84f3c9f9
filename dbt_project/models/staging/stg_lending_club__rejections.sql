{{ config(tags=['rejections']) }}

with source as (

    select * from {{ source('staging', 'lending_club_rejections') }}

)

select
    application_date,
    {{ partition_date() }} as application_month,
    amount_requested,
    risk_score,
    dti,
    employment_length,
    state,
    left(zip_code, 3) as zip3,
    source,
    file_sha256,
    line_number
from source
