"""The loans behind a figure of the Portfolio page."""

from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from financial_pipeline.dashboard import elements, exports
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.loan_filter import FROM_LOANS, LOANS, TABLES, LoanFilter
from financial_pipeline.dashboard.widgets import choose

SHOWN: Final = 1000


# The hits of a figure without a numerator: every counted loan.
EACH: Final = "true"


@dataclass(frozen=True)
class Figure:
    """A figure of the page: the loans it counts, and the hits among them."""

    counted: str
    hit: str
    of: str
    hits: str


# Conditions over fct_loans; none contains text of a reader.
FIGURES: Final[dict[str, Figure]] = {
    "Default rate (matured, D1)": Figure(
        "default_d1 is not null", "default_d1 = 1", "matured loan", "bad"
    ),
    "Default rate (resolved, D0)": Figure(
        "credit_policy_met and default_d0 is not null", "default_d0 = 1", "resolved loan", "bad"
    ),
    "Default rate (to date, D2)": Figure(
        "credit_policy_met and default_d2 is not null", "default_d2 = 1", "loan", "bad"
    ),
    "Net loss (matured)": Figure("default_d1 is not null", "default_d1 = 1", "matured loan", "bad"),
    "LGD on EAD": Figure(
        "credit_policy_met and loan_state = 'BAD' and ead_usd > 0", EACH, "bad loan", ""
    ),
    "30+ days late": Figure("is_active", "loan_state = 'D31_120'", "active loan", "late"),
    "Loans and funded": Figure("true", EACH, "loan", ""),
}
FILTERS = f"""
{FROM_LOANS}
    and ({{counted}})
    and (not $hits or ({{hit}}))
"""
TOTALS = """
select
    count(*)::bigint as loans,
    count_if({hit})::bigint as hits,
    sum(loan.funded_amount_usd)::double as funded_usd,
    sum(case when {hit} then loan.net_loss_usd end)::double as net_loss_usd
"""
ROWS = """
select
    loan.loan_id,
    loan.issue_month,
    loan.maturity_month,
    loan.grade,
    loan.sub_grade,
    loan.term_months,
    geography.state_code as state,
    purpose.purpose,
    profile.fico_band,
    loan.loan_status,
    loan.funded_amount_usd,
    loan.interest_rate,
    loan.fico_midpoint,
    loan.total_payment_usd,
    loan.net_loss_usd,
    loan.default_d0,
    loan.default_d1,
    loan.default_d2,
    loan.snapshot_month,
    loan.source
"""


def show(release: Release, chosen: LoanFilter) -> None:
    """Draw the choice of a figure, with its sums and its loans within the page's filter."""
    st.header("Loans behind the figures", anchor=False)
    if not elements.has_rows(release, *TABLES):
        return
    name = choose("Figure", tuple(FIGURES), "figure", 260)
    figure = FIGURES[name]
    has_hits = figure.hit != EACH
    only = has_hits and st.toggle(f"Only the {figure.hits} ones", key="hits", bind="query-params")
    values = {**chosen.values(), "hits": only}
    parts = {"counted": figure.counted, "hit": figure.hit}
    totals = release.rows((TOTALS + FILTERS).format(**parts), *TABLES, **values)
    total = totals.row(0, named=True)
    if not total["loans"]:
        elements.empty("No loan is in this selection.")
        return
    st.markdown(_sums(total, figure))
    query = f"{ROWS}{FILTERS} order by loan.loan_key".format(**parts)
    elements.table(release.rows(f"{query} limit {SHOWN}", *TABLES, **values), "loans")
    if total["loans"] > SHOWN:
        st.caption(f"The table contains the first {SHOWN:,} of {total['loans']:,} loans.")
        exports.buttons(
            "selected_loans", total["loans"], lambda: release.all_rows(query, *TABLES, **values)
        )
    elements.source(release, LOANS)


def _sums(total: dict[str, Any], figure: Figure) -> str:
    """Describe the sums of the counted loans and of the hits among them."""
    hits = (
        f", **{total['hits']:,}** {figure.hits}"
        f" ({elements.percent(total['hits'] / total['loans'], 2)})"
        if figure.hit != EACH
        else ""
    )
    whose = f"net loss of the {figure.hits} ones" if hits else "net loss"
    words = (
        f"**{elements.format_count(total['loans'], figure.of)}**{hits}, funded"
        f" **{elements.dollars(total['funded_usd'])}**, {whose}"
        f" **{elements.dollars(total['net_loss_usd'] or 0.0)}**."
    )
    # Two dollar signs would make a formula of the words between them.
    return words.replace("$", "\\$")
