"""Loans by state on the Portfolio page, and how concentrated the book is."""

from typing import Any, Final

import polars as pl
import streamlit as st

from financial_pipeline.dashboard import chosen_loans, drawing, elements, loan_filter, state_map
from financial_pipeline.dashboard import portfolio_figures as figures
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.loan_filter import LoanFilter
from financial_pipeline.dashboard.widgets import choose_segment

# A state with fewer matured loans is not coloured: its 95% interval is as wide as the differences
# between states.
MIN_MATURED: Final = 500
MAP_MEASURES: Final = {
    "Default rate (D1)": "default_rate",
    "Funded": "funded_usd",
    "Loans": "loans",
}


def show(release: Release, chosen: LoanFilter) -> None:
    """Draw the map of the chosen loans, and the concentration of the book."""
    st.header("Loans by state", anchor=False)
    if not elements.has_rows(release, *loan_filter.TABLES):
        return
    states = chosen_loans.states(release, chosen)
    choice = choose_segment("Colour by", tuple(MAP_MEASURES), "map_by", "Default rate (D1)")
    column = MAP_MEASURES[choice]
    left, right = st.columns([3, 2], gap="medium")
    enough = pl.col("matured") >= MIN_MATURED
    rated = states.with_columns(pl.when(enough).then("default_rate").alias("default_rate"))
    with left:
        drawing.chart(
            state_map.chart,
            column,
            choice,
            bool(rated[column].count()),
            picks=("state_map", _pick_state),
            states=state_map.live(rated, column),
            **state_map.ends(rated, column),
        )
    with right:
        _concentration(release)
    known = pl.col("state").is_in(state_map.on_map())
    elsewhere = elements.format_count(int(states.filter(~known)["loans"].sum()), "loan")
    elements.source(
        release,
        loan_filter.LOANS,
        note=f"In no state of the map (territories, military mail or unknown): {elsewhere}."
        f" {_colours(column)}",
    )
    elements.rows_behind(states, "states")


def _colours(column: str) -> str:
    if column != state_map.RATE:
        return "The darker, the more; a grey state has no loans."
    return (
        f"A rate needs {MIN_MATURED} matured loans; blue is below the mean of these states, orange"
        " above it, grey has too few loans."
    )


def _pick_state(picked: dict[str, Any]) -> None:
    # A state without loans cannot be chosen.
    if picked["state"]:
        st.session_state["state"] = picked["state"]


def _concentration(release: Release) -> None:
    st.markdown("**Concentration** of funded dollars, whole book")
    if not elements.has_rows(release, figures.SUMMARY):
        return
    history = release.rows(figures.HISTORY, figures.SUMMARY)
    wide = (
        history.filter(pl.col("measure").is_in(["hhi_funded", "effective_number"]))
        .filter(pl.col("snapshot_month") == pl.col("snapshot_month").max())
        .pivot("measure", index="segment_kind", values="value")
    )
    if wide.is_empty():
        elements.absent("No concentration was measured.")
        return
    elements.table(
        wide.select(
            pl.col("segment_kind").alias("by"),
            pl.col("hhi_funded").round(4).alias("HHI"),
            pl.col("effective_number").round(1).alias("effective number"),
        ),
        "concentration",
    )
    st.caption("HHI is the sum of squared shares; one over it is the effective number of equals.")
    elements.source(release, figures.SUMMARY)
