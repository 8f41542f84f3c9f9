"""Rates and sums of chosen loans: from published counts, or from single loans where needed."""

from typing import Final

import polars as pl

from financial_pipeline.dashboard.credit_figures import with_rates
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import Card, dollars, number, percent
from financial_pipeline.dashboard.loan_filter import ANY, FROM_LOANS, RATES, TABLES, LoanFilter
from financial_pipeline.dashboard.portfolio_figures import MATURED
from financial_pipeline.figures import default_rates

WHOLE: Final = LoanFilter()

# Counts by issue month, grade, term and definition: as published, or of single loans.
CELLS = """
select issue_month, grade, definition, loans, defaults, active_loans, originated_loans
from metrics.default_rates_by_grade
where
    ($grade = 'any' or grade = $grade)
    and ($term = 'any' or term_months::varchar = $term)
    and year(issue_month) between $first and $last
"""
CELLS_OF_LOANS = f"""
select
    issue_month,
    grade,
    unnest(['D0', 'D1', 'D2']) as definition,
    unnest([count(default_d0), count(default_d1), count(default_d2)]) as loans,
    unnest([sum(default_d0), sum(default_d1), sum(default_d2)]) as defaults,
    count_if(is_active) as active_loans,
    count(*) as originated_loans
{FROM_LOANS} and loan.credit_policy_met
group by issue_month, grade
"""
# Counts by definition and grade, and by definition and issue year, in one pass over the cells.
RATES_OF_CELLS = """
with cells as (
    select *, year(issue_month)::varchar as vintage from ({cells})
    where definition in ('D0', 'D1', 'D2')
)
select
    definition,
    grade,
    vintage,
    grouping(grade) = 0 as is_by_grade,
    sum(loans)::bigint as loans,
    sum(defaults)::bigint as defaults,
    sum(defaults) / sum(loans) as rate,
    sum(active_loans) / sum(originated_loans) as still_active,
    sum(active_loans) > 0 as is_immature
from cells
group by grouping sets ((definition, grade), (definition, vintage))
having sum(loans) > 0
order by grade, vintage, definition
"""
BY_STATE = f"""
select
    geography.state_code as state,
    any_value(geography.state_name) as name,
    count(*)::bigint as loans,
    sum(loan.funded_amount_usd)::double as funded_usd,
    count(loan.default_d1)::bigint as matured,
    coalesce(sum(loan.default_d1), 0)::bigint as defaults,
    sum(loan.default_d1) / count(loan.default_d1) as default_rate,
    sum(loan.net_loss_usd) filter (loan.default_d1 = 1)::double as net_loss_usd,
    sum(loan.funded_amount_usd) filter (loan.default_d1 is not null)::double as matured_usd
{FROM_LOANS}
group by geography.state_code
order by state
"""


def _rates(release: Release, chosen: LoanFilter, *, is_by_grade: bool) -> pl.DataFrame:
    """Count within a filter, of single loans if only they know it."""
    if chosen.needs_loans:
        query = RATES_OF_CELLS.format(cells=CELLS_OF_LOANS)
        counts = release.rows(query, *TABLES, **chosen.values())
    else:
        counts = release.rows(RATES_OF_CELLS.format(cells=CELLS), RATES, **chosen.cells())
    return counts.filter(is_by_grade=is_by_grade)


def rates_by_grade(release: Release, chosen: LoanFilter = WHOLE) -> pl.DataFrame:
    """Return one row per grade and shown definition, all chosen vintages together."""
    names = ("definition", "grade", "loans", "defaults")
    counts = _rates(release, chosen, is_by_grade=True).select(names)
    return with_rates(counts, "defaults", "loans")


def rates_by_vintage(release: Release, chosen: LoanFilter) -> pl.DataFrame:
    """Return one row per issue year and shown definition, with the share still active."""
    return _rates(release, chosen, is_by_grade=False).drop("grade", "is_by_grade")


def states(release: Release, chosen: LoanFilter) -> pl.DataFrame:
    """Return one row per state: all of them, also if one is chosen, so that a map compares."""
    return release.rows(BY_STATE, *TABLES, **{**chosen.values(), "state": ANY})


def selection_cards(release: Release, chosen: LoanFilter) -> list[Card]:
    """Make the cards of the chosen loans; the default rate has its 95% Wilson interval."""
    rows = states(release, chosen)
    if chosen.state != ANY:
        rows = rows.filter(state=chosen.state)
    row = rows.select(pl.col(pl.Int64, pl.Float64).sum()).row(0, named=True)
    found = [
        Card("Chosen loans", number(row["loans"], 0), chosen.words(), "Loans within the filter."),
        Card("Chosen, funded", dollars(row["funded_usd"]), chosen.words(), "Amounts lent."),
    ]
    if row["matured"]:
        counts = {"loans": row["matured"], "defaults": row["defaults"]}
        (rated,) = default_rates.default_rates([counts])
        n = f"n {row['matured']:,} {MATURED}"
        bounds = f"95% {percent(rated['low'])} to {percent(rated['high'])}"
        loss = row["net_loss_usd"] / row["matured_usd"]
        found += [
            Card("Chosen, default rate (D1)", percent(rated["rate"]), f"{n} · {bounds}", "D1."),
            Card("Chosen, net loss rate", percent(loss), n, "Net loss over funded, D1 loans."),
        ]
    return found
