-- Discounts and coupon equivalents of the Treasury's daily table (to four places of a per cent), and
-- the rate per trading day that belongs to a discount of 4.41%.
{%- set day_rate = daily_rate(coupon_equivalent_yield('0.0441')) %}

with yields as (

    select
        unnest([0.0441, 0.0443, 0.0530]) as discount,
        unnest([4.5217, 4.5424, 5.4466]) as expected

)

select
    discount,
    expected,
    100 * {{ coupon_equivalent_yield('discount') }} as actual
from yields
where round(actual, 4) != expected
union all
select
    0.0441,
    0.0001755078,
    {{ day_rate }}
where round({{ day_rate }}, 10) != 0.0001755078
