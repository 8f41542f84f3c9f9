{{ config(tags=['shared']) }}

with grades as (

    select
        unnest(['A', 'B', 'C', 'D', 'E', 'F', 'G']) as grade,
        unnest(range(1, 8)) as grade_order

),

sub_grades as (

    select
        grade,
        grade_order,
        unnest(range(1, 6)) as digit
    from grades

)

select
    {{ surrogate_key(['grade', 'digit']) }} as grade_key,
    grade || digit as sub_grade,
    grade,
    cast((grade_order - 1) * 5 + digit as integer) as risk_order
from sub_grades
union all
select
    -1,
    'unknown',
    'unknown',
    0
