-- 10,000 dollars at 12% over 36 months: the payment, and the balance after 0, 12, 36 and 40 months.
with cases as (

    select
        unnest([0, 12, 36, 40]) as months,
        unnest([10000.0, 7055.84445849227, 0.0, 0.0]) as expected

)

select
    months,
    expected,
    {{ scheduled_balance('10000', '0.01::double', '36', 'months') }} as actual
from cases
where abs(actual - expected) > 1e-8
union all
select
    null,
    332.14309812851167,
    {{ annuity('10000', '0.01::double', '36') }} as payment
where abs(payment - 332.14309812851167) > 1e-10
