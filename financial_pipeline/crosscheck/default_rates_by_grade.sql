-- Default rates per issue month, grade, term and definition, one row per loan and flag.
with loans as (
    select *
    from fct_loans
    where credit_policy_met and grade is not null and in_window(issue_month)
),

outcomes as (
    select
        issue_month,
        grade,
        term_months,
        is_active,
        funded_amount_usd,
        definition,
        flag
    from loans
    unpivot include nulls (
        flag for definition in (
            default_d0 as 'D0',
            default_d1 as 'D1',
            default_d2 as 'D2',
            default_d3_12 as 'D3_12',
            default_d3_24 as 'D3_24'
        )
    )
),

cells as (
    select
        issue_month,
        grade,
        term_months,
        definition,
        count(*) as originated_loans,
        count(*) filter (where is_active) as active_loans,
        count(flag) as loans,
        count(*) filter (where flag = 1) as defaults,
        coalesce(sum(funded_amount_usd) filter (where flag is not null), 0) as funded_usd,
        coalesce(sum(funded_amount_usd) filter (where flag = 1), 0) as defaulted_funded_usd
    from outcomes
    group by all
)

select
    *,
    share(active_loans, originated_loans) as still_active_share,
    share(defaults, loans) as default_rate,
    wilson_low(defaults, loans) as default_rate_low,
    wilson_high(defaults, loans) as default_rate_high,
    share(defaulted_funded_usd, funded_usd) as default_rate_usd_weighted
from cells
