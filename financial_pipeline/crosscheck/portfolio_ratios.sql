-- Measures that accumulate with the issue, maturity or default month of each loan.
-- A union would round dollars times rates to the cents of its other branches.
create or replace macro exact(x) as cast(x as decimal(38, 8));

create or replace temporary table asked_months as
select snapshot_month
from (
    select cast(unnest(range(min(issue_month), max(snapshot_month) + interval 1 day, interval 1 month)) as date)
        as snapshot_month
    from fct_loans
)
where in_window(snapshot_month);

create or replace temporary table portfolio_ratios as

with levels as (
    select
        *,
        case
            when interest_rate > 0
                then share(
                    funded_amount_usd * interest_rate / 12, 1 - (1 + interest_rate / 12) ** (-term_months)
                )
            else share(funded_amount_usd, term_months)
        end as level_payment
    from fct_loans
),

facts as (
    select
        issue_month,
        maturity_month,
        case when credit_policy_met and loan_state = 'BAD' and ead_usd > 0 then default_month end as bad_month,
        grade,
        count(*) as loans,
        sum(funded_amount_usd) as funded,
        sum(cast(interest_rate as decimal(9, 6)) * funded_amount_usd) as rated,
        sum(cast(fico_midpoint as decimal(5, 1)) * funded_amount_usd) as scored,
        count(fico_midpoint) as scored_loans,
        sum(funded_amount_usd) filter (where fico_midpoint is not null) as scored_funded,
        count(share(installment_usd, level_payment)) as payments,
        count(*) filter (where abs(share(installment_usd, level_payment) - 1) <= 1.6e-4) as level_payments,
        count(default_d1) as d1_loans,
        count(*) filter (where default_d1 = 1) as d1_bad,
        sum(funded_amount_usd) filter (where default_d1 is not null) as d1_funded,
        coalesce(sum(funded_amount_usd) filter (where default_d1 = 1), 0) as d1_bad_funded,
        coalesce(sum(net_loss_usd) filter (where default_d1 = 1), 0) as d1_loss,
        sum(net_loss_usd) as net_loss,
        sum(ead_usd) as ead
    from levels
    group by all
),

accumulating as (
    select issue_month as entry, grade, 'loans' as measure, exact(loans) as numerator, exact(null) as denominator, loans from facts
    union all by name
    select issue_month as entry, grade, 'funded_usd' as measure, exact(funded) as numerator, exact(null) as denominator, loans from facts
    union all by name
    select issue_month as entry, grade, 'weighted_average_rate' as measure, exact(rated) as numerator, exact(funded) as denominator, loans from facts
    union all by name
    select issue_month as entry, grade, 'weighted_average_fico' as measure, exact(scored) as numerator, exact(scored_funded) as denominator, scored_loans as loans from facts
    union all by name
    select issue_month as entry, grade, 'annuity_identity' as measure, exact(level_payments) as numerator, exact(payments) as denominator, payments as loans from facts
    union all by name
    select maturity_month as entry, grade, 'default_rate_matured' as measure, exact(d1_bad) as numerator, exact(d1_loans) as denominator, d1_loans as loans from facts where d1_loans > 0
    union all by name
    select maturity_month as entry, grade, 'default_rate_matured_usd_weighted' as measure, exact(d1_bad_funded) as numerator, exact(d1_funded) as denominator, d1_loans as loans from facts where d1_loans > 0
    union all by name
    select maturity_month as entry, grade, 'net_loss_rate_matured' as measure, exact(d1_loss) as numerator, exact(d1_funded) as denominator, d1_loans as loans from facts where d1_loans > 0
    union all by name
    select bad_month as entry, grade, 'loss_given_default_on_ead' as measure, exact(net_loss) as numerator, exact(ead) as denominator, loans from facts where bad_month is not null
    union all by name
    select bad_month as entry, grade, 'exposure_at_default_ratio' as measure, exact(ead) as numerator, exact(funded) as denominator, loans from facts where bad_month is not null
),

entries as (
    select
        entry,
        measure,
        grade,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        sum(loans) as loans
    from accumulating
    group by all
)

select
    snapshot_month,
    measure,
    if(grouping(grade) = 1, 'all', 'grade') as segment_kind,
    if(grouping(grade) = 1, 'all', grade) as segment,
    cast(sum(numerator) as double) as numerator,
    cast(sum(denominator) as double) as denominator,
    sum(loans) as loans,
    'latest snapshot of each loan' as basis
from entries
inner join asked_months on entry <= snapshot_month
group by grouping sets ((snapshot_month, measure), (snapshot_month, measure, grade));
