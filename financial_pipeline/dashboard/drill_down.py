"""The loans behind a figure of the Portfolio page."""

from dataclasses import dataclass
from typing import Final

import streamlit as st

from financial_pipeline.dashboard import elements, exports
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.loan_filter import FROM_LOANS, LOANS, TABLES, LoanFilter

SHOWN: Final = 1000


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
        "default_d1 is not null", "default_d1 = 1", "matured loans", "bad"
    ),
    "Default rate (resolved, D0)": Figure(
        "credit_policy_met and default_d0 is not null", "default_d0 = 1", "resolved loans", "bad"
    ),
    "Default rate (to date, D2)": Figure(
        "credit_policy_met and default_d2 is not null", "default_d2 = 1", "loans", "bad"
    ),
    "Net loss (matured)": Figure(
        "default_d1 is not null", "default_d1 = 1", "matured loans", "with a loss"
    ),
    "LGD on EAD": Figure(
        "credit_policy_met and loan_state = 'BAD' and ead_usd > 0", "true", "bad loans", "counted"
    ),
    "30+ days late": Figure("is_active", "loan_state = 'D31_120'", "active loans", "late"),
    "Loans and funded": Figure("true", "true", "loans", "counted"),
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
    if not elements.filled(release, *TABLES):
        return
    name = st.selectbox("Figure", tuple(FIGURES), key="figure", bind="query-params", width=260)
    figure = FIGURES[name]
    only = st.toggle(f"Only the {figure.hits} ones", key="hits", bind="query-params")
    values = {**chosen.values(), "hits": only}
    parts = {"counted": figure.counted, "hit": figure.hit}
    totals = release.rows((TOTALS + FILTERS).format(**parts), *TABLES, **values)
    total = totals.row(0, named=True)
    if not total["loans"]:
        elements.empty("No loan is in this selection.")
        return
    st.markdown(
        f"**{total['loans']:,}** {figure.of}, **{total['hits']:,}** {figure.hits}"
        f" ({elements.percent(total['hits'] / total['loans'], 2)}),"
        f" funded **{elements.dollars(total['funded_usd'])}**, net loss of the {figure.hits} ones"
        f" **{elements.dollars(total['net_loss_usd'] or 0.0)}**."
    )
    query = f"{ROWS}{FILTERS} order by loan.loan_key".format(**parts)
    elements.table(release.rows(f"{query} limit {SHOWN}", *TABLES, **values), "loans")
    if total["loans"] > SHOWN:
        st.caption(f"The table contains the first {SHOWN:,} of {total['loans']:,} loans.")
        exports.buttons(
            "selected_loans", total["loans"], lambda: release.all_rows(query, *TABLES, **values)
        )
    elements.source(release, LOANS)
