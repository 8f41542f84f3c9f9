"""Scores on the Model page: their distribution, and the reasons of one loan."""

from typing import Final

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import charts, drawing, elements
from financial_pipeline.dashboard import model_evidence as evidence
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.elements import Card, percent
from financial_pipeline.dashboard.widgets import choose
from financial_pipeline.ml.features import FEATURES

RANKS: Final = range(1, 5)


def distribution(release: Release, cutoff: object, model: str) -> None:
    """Draw the distribution of the scores of all loans, by outcome."""
    if not elements.has_rows(release, evidence.SCORES, evidence.LOANS):
        return
    st.markdown("**Score distribution** of all loans, by outcome (D1)")
    if model not in evidence.SCORED:
        elements.empty("Only the served models score every loan.")
        return
    query = evidence.DISTRIBUTION.format(pd=evidence.SCORED[model])
    rows = release.rows(query, evidence.SCORES, evidence.LOANS, cutoff=cutoff)
    if rows.is_empty():
        elements.empty("No loan was scored at this cut-off.")
        return
    drawing.chart(_bars, rows)
    elements.source(release, evidence.SCORES, evidence.LOANS)
    elements.rows_behind(rows, "score_distribution")


def _bars(rows: pl.DataFrame) -> alt.Chart:
    return (
        alt.Chart(rows)
        .mark_bar(opacity=0.85)
        .encode(
            x=alt.X("pd_from:Q", title="PD", axis=alt.Axis(format=".0%"), bin="binned"),
            x2="pd_to:Q",
            y=alt.Y("loans:Q", title="Loans", stack=True),
            color=alt.Color(
                "outcome:N",
                scale=alt.Scale(
                    domain=["good", "bad", "not known yet"],
                    range=[charts.BLUE, charts.ORANGE, charts.GREY],
                ),
                legend=charts.legend(),
            ),
            tooltip=["outcome", "loans", alt.Tooltip("pd_from:Q", format=".0%")],
        )
        .properties(height=charts.HEIGHT + 60)
    )


def one_loan(release: Release, cutoff: object) -> None:
    """Draw the score of one loan and its reasons."""
    st.header("One loan and its reasons", anchor=False)
    if not elements.has_rows(release, evidence.SCORES, evidence.LOANS):
        return
    keys = (evidence.SCORES, evidence.LOANS)
    examples = release.rows(evidence.EXAMPLES, *keys, cutoff=cutoff)["loan_id"].to_list()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        example = choose("An example", examples, "example", 220)
        typed = st.text_input("Or a loan id", key="loan_id", bind="query-params", width=220)
    loan_id = typed.strip() or str(example)
    found = release.rows(evidence.ONE_LOAN, *keys, cutoff=cutoff, loan_id=loan_id)
    if found.is_empty():
        elements.empty("No scored loan has this id.")
        return
    loan = found.row(0, named=True)
    about = f"grade {loan['grade']}, {loan['term_months']} months, {loan['loan_status']}"
    score = f"{loan['score']:.0f} points"
    elements.cards(
        [
            Card("PD, borrower only", percent(loan["pd_borrower_only"]), score, "Decides."),
            Card(
                "PD, platform informed",
                percent(loan["pd_platform_informed"]),
                about,
                "Also knows the interest rate that the platform set.",
            ),
            Card("PD, scorecard", percent(loan["pd_scorecard"]), about, "From points alone."),
        ]
    )
    reasons = [
        (FEATURES[loan[f"reason_{rank}"]].reason, float(loan[f"points_lost_{rank}"]))
        for rank in RANKS
        if loan[f"reason_{rank}"]
    ]
    reasons_chart(reasons)
    elements.source(release, evidence.SCORES, note=f"Issued {loan['issue_month']:%Y-%m}.")


def reasons_chart(reasons: list[tuple[str, float]]) -> None:
    """Draw reasons and the points that each cost, the most costly first."""
    if not reasons:
        st.markdown("No feature cost points against the average training loan.")
        return
    st.markdown("**Reasons**: points lost against the average training loan (20 double the odds)")
    frame = pl.DataFrame(reasons, schema=["reason", "points lost"], orient="row")
    drawing.chart(_reasons, frame)


def _reasons(frame: pl.DataFrame) -> alt.Chart:
    return (
        alt.Chart(frame)
        .mark_bar(color=charts.ORANGE)
        .encode(
            x=alt.X(
                "points lost:Q",
                title="Points lost",
                axis=alt.Axis(tickMinStep=1, tickCount=8, format="d"),
            ),
            y=charts.label_axis("reason", 240),
            tooltip=["reason", alt.Tooltip("points lost:Q", format=".1f")],
        )
        .properties(height=36 * frame.height + 40)
    )
