-- Expected loss from loans matured over a year ago against what the last year's loans lost.
create or replace temporary table portfolio_losses as

with cells as (
    select
        maturity_month,
        grade,
        term_months,
        count(*) as loans,
        count(*) filter (where default_d1 = 1) as bad,
        sum(funded_amount_usd) as funded,
        coalesce(sum(funded_amount_usd) filter (where default_d1 = 1), 0) as bad_funded,
        coalesce(sum(net_loss_usd) filter (where default_d1 = 1), 0) as loss
    from fct_loans
    where default_d1 is not null
    group by all
),

dated as (
    select
        *,
        maturity_month <= snapshot_month - interval 12 month as is_past
    from cells
    inner join asked_months on maturity_month <= snapshot_month
),

cohorts as (
    select
        snapshot_month,
        grade,
        share(sum(bad) filter (where is_past), sum(loans) filter (where is_past)) as default_rate,
        share(sum(loss) filter (where is_past), sum(bad_funded) filter (where is_past)) as severity,
        sum(loans) filter (where not is_past) as loans,
        sum(funded) filter (where not is_past) as funded,
        sum(loss) filter (where not is_past) as loss
    from dated
    group by snapshot_month, grade, term_months
    having sum(loans) filter (where is_past) >= 30 and count(*) filter (where not is_past) > 0
)

select
    snapshot_month,
    'expected_to_realised_loss' as measure,
    if(grouping(grade) = 1, 'all', 'grade') as segment_kind,
    if(grouping(grade) = 1, 'all', grade) as segment,
    sum(default_rate * coalesce(severity, 0) * cast(funded as double)) as numerator,
    cast(sum(loss) as double) as denominator,
    sum(loans) as loans,
    'latest snapshot of each loan' as basis
from cohorts
group by grouping sets ((snapshot_month), (snapshot_month, grade));
