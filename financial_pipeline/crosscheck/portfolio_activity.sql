-- Concentration, delinquency and approvals of each month.
create or replace temporary table portfolio_activity as

with issued as (
    unpivot (
        select
            issue_month,
            cast(funded_amnt as decimal(18, 2)) as funded,
            cast(grade as varchar) as grade,
            cast(addr_state as varchar) as state,
            cast(purpose as varchar) as purpose
        from fct_loan_applications
    )
    on grade, state, purpose
    into name segment_kind value member
),

members as (
    select
        issue_month,
        segment_kind,
        member,
        sum(funded) as funded,
        count(*) as loans
    from issued
    group by all
),

shares as (
    select
        snapshot_month,
        segment_kind,
        member,
        cast(sum(funded) as double) as funded,
        sum(loans) as loans
    from members
    inner join asked_months on issue_month <= snapshot_month
    group by all
),

concentration as (
    select
        snapshot_month,
        segment_kind,
        sum(funded * funded) as squares,
        sum(funded) ** 2 as square,
        sum(loans) as loans
    from shares
    group by all
),

live as (
    select
        performance_month as snapshot_month,
        grade,
        loan_state = 'D31_120' as is_late
    from fct_loan_performance_monthly
    where
        not is_reconstructed
        and loan_state in ('CURRENT', 'GRACE', 'D16_30', 'D31_120')
        and in_window(performance_month)
),

speeds as (
    select
        performance_month as snapshot_month,
        sum(paid_principal_usd - scheduled_principal_usd) filter (where loan_state in ('CURRENT', 'PAID')) as prepaid,
        sum(opening_balance_usd - scheduled_principal_usd) filter (where loan_state in ('CURRENT', 'PAID')) as owed,
        count(*) filter (where loan_state in ('CURRENT', 'PAID')) as paying,
        coalesce(sum(closing_balance_usd) filter (where default_event = 1), 0) as lost,
        sum(opening_balance_usd) as opening,
        count(*) as loans
    from fct_loan_performance_monthly
    where months_on_book > 0 and in_window(performance_month)
    group by all
),

accepted as (select issue_month as snapshot_month, count(*) as issued from fct_loans group by all),

refused as (select application_month as snapshot_month, count(*) as refused from fct_loan_rejections group by all)

select
    snapshot_month, 'hhi_funded' as measure, segment_kind, 'all' as segment,
    share(squares, square) as numerator, null as denominator, loans, 'latest snapshot of each loan' as basis
from concentration
union all
select
    snapshot_month, 'effective_number' as measure, segment_kind, 'all' as segment,
    share(square, squares) as numerator, null as denominator, loans, 'latest snapshot of each loan' as basis
from concentration
union all
select
    snapshot_month, 'delinquent_30_plus' as measure, if(grouping(grade) = 1, 'all', 'grade') as segment_kind,
    if(grouping(grade) = 1, 'all', grade) as segment,
    count(*) filter (where is_late) as numerator, count(*) as denominator, count(*) as loans,
    'observed snapshot' as basis
from live
group by grouping sets ((snapshot_month), (snapshot_month, grade))
union all
select
    snapshot_month, 'conditional_prepayment_rate' as measure, 'all' as segment_kind, 'all' as segment,
    prepaid as numerator, owed as denominator, paying as loans, 'observed and reconstructed months' as basis
from speeds
union all
select
    snapshot_month, 'conditional_default_rate' as measure, 'all' as segment_kind, 'all' as segment,
    lost as numerator, opening as denominator, loans, 'observed and reconstructed months' as basis
from speeds
union all
select
    snapshot_month, 'approval_rate' as measure, 'all' as segment_kind, 'all' as segment,
    coalesce(issued, 0) as numerator, coalesce(issued, 0) + refused as denominator,
    coalesce(issued, 0) + refused as loans, 'issued loans and rejected applications of the month' as basis
from asked_months
inner join refused using (snapshot_month)
left join accepted using (snapshot_month);
