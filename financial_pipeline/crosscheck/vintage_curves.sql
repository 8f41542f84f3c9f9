-- Vintage curves, with survival as the exponential of summed logarithms.
with dated as (
    select
        *,
        cast(date_trunc('quarter', issue_month) as date) as vintage_quarter
    from fct_loans
    where credit_policy_met and grade is not null and in_window(date_trunc('quarter', issue_month))
),

observed as (
    select
        vintage_quarter,
        date_diff('month', max(issue_month), min(snapshot_month)) - getvariable('default_lag_months') as months
    from dated
    group by vintage_quarter
),

durations as (
    select
        vintage_quarter,
        unnest([grade, 'all']) as grade,
        term_months,
        duration_months,
        loan_state
    from dated
),

curves as (
    select
        vintage_quarter,
        grade,
        term_months,
        count(*) as loans,
        any_value(least(months, term_months + getvariable('default_lag_months'))) as last_month
    from durations
    inner join observed using (vintage_quarter)
    group by vintage_quarter, grade, term_months
),

counts as (
    select
        vintage_quarter,
        grade,
        term_months,
        duration_months as months_on_book,
        count(*) as leaving,
        count(*) filter (where loan_state = 'BAD') as defaults,
        count(*) filter (where loan_state = 'PAID') as payoffs
    from durations
    group by all
),

months as (
    select
        vintage_quarter,
        grade,
        term_months,
        loans,
        unnest(range(1, last_month + 1)) as months_on_book
    from curves
),

events as (
    select
        months.*,
        coalesce(defaults, 0) as defaults,
        coalesce(payoffs, 0) as payoffs,
        loans - coalesce(sum(leaving) over earlier, 0) as loans_at_risk
    from months
    left join counts using (vintage_quarter, grade, term_months, months_on_book)
    window earlier as (
        partition by vintage_quarter, grade, term_months order by months_on_book
        rows between unbounded preceding and 1 preceding
    )
),

hazards as (
    select
        *,
        share(defaults, loans_at_risk) as default_hazard,
        -- A curve that has emptied stays empty: the logarithm of zero is a large negative number.
        ln(greatest(1 - coalesce(share(defaults + payoffs, loans_at_risk), 0), 1e-300)) as log_staying,
        ln(greatest(1 - coalesce(share(defaults, loans_at_risk), 0), 1e-300)) as log_surviving
    from events
),

incidents as (
    select
        *,
        coalesce(default_hazard, 0) * exp(coalesce(sum(log_staying) over (
            partition by vintage_quarter, grade, term_months order by months_on_book
            rows between unbounded preceding and 1 preceding
        ), 0)) as incidence
    from hazards
)

select
    * exclude (log_staying, log_surviving, incidence),
    sum(defaults) over so_far as cumulative_defaults,
    share(sum(defaults) over so_far, loans) as default_rate,
    wilson_low(sum(defaults) over so_far, loans) as default_rate_low,
    wilson_high(sum(defaults) over so_far, loans) as default_rate_high,
    sum(incidence) over so_far as cumulative_incidence,
    exp(sum(log_surviving) over so_far) as kaplan_meier_survival
from incidents
window so_far as (partition by vintage_quarter, grade, term_months order by months_on_book)
