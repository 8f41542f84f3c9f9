"""Restated values: what a later file changed, by reason, and the rows."""

from typing import Final

import streamlit as st

from financial_pipeline.dashboard import elements
from financial_pipeline.dashboard.data import Release

PRICES: Final = "exports/price_restatements"
LOANS: Final = "exports/loan_restatements"

PRICE_SUMS: Final = """
select
    symbol,
    replace(reason, '_', ' ') as reason,
    event_date,
    count(*)::bigint as restated_values,
    count(distinct session_date)::bigint as sessions,
    min(session_date) as first_session,
    max(session_date) as last_session,
    max(abs(new_value / nullif(old_value, 0) - 1)) as largest_change_share,
    max(restated_at) as restated_at
from marts.price_restatements
group by all
order by restated_at desc, symbol, reason
"""
# Newest first; a split of a long history restates thousands of values.
PRICE_VALUES: Final = """
select
    symbol,
    session_date,
    replace(field, '_', ' ') as field,
    old_value,
    new_value,
    replace(reason, '_', ' ') as reason
from marts.price_restatements
order by restated_at desc, symbol, session_date desc, field
limit 1000
"""
LOAN_VALUES: Final = """
select loan_id, snapshot_month, replace(field, '_', ' ') as field, old_value, new_value
from marts.loan_restatements
order by restated_at desc, loan_id, snapshot_month, field
limit 1000
"""
LOAN_SUMS: Final = """
select
    replace(field, '_', ' ') as field,
    snapshot_month,
    count(*)::bigint as restated_values,
    count(distinct loan_id)::bigint as loans,
    max(restated_at) as restated_at
from marts.loan_restatements
group by all
order by restated_at desc, restated_values desc, field
"""


def prices(release: Release) -> None:
    """Draw the prices that a later file changed, by bank and reason."""
    _show(release, PRICES, PRICE_SUMS, PRICE_VALUES, "prices")


def loans(release: Release) -> None:
    """Draw the values of loans that a later file changed, by column."""
    _show(release, LOANS, LOAN_SUMS, LOAN_VALUES, "loans")


def _show(release: Release, key: str, query: str, values: str, what: str) -> None:
    st.header(f"Restated {what}", anchor=False)
    if not elements.present(release, key):
        return
    sums = release.rows(query, key)
    if sums.is_empty():
        st.success(
            f"No later file has changed a stored value of {what}.", icon=":material/check_circle:"
        )
    else:
        count = int(sums["restated_values"].sum())
        st.markdown(
            f"Later files changed **{elements.format_count(count, 'stored value')}** of {what}."
        )
        elements.table(sums, f"restated_{what}")
        rows = release.rows(values, key)
        elements.rows_behind(rows, f"restated_values_of_{what}", "Old and new values")
    elements.source(release, key, note="The archive keeps the old file.")
