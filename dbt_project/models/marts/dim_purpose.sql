{{ config(tags=['shared']) }}

with purposes as (

    select * from {{ ref('purposes') }}

)

select
    {{ surrogate_key(['purpose']) }} as purpose_key,
    purpose,
    purpose_name,
    is_rare
from purposes
union all
select
    -1,
    'unknown',
    'Unknown',
    false
