"""Model: separation of bad and good loans, reasons for the score of a loan, and drift."""

from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import (
    applicant,
    charts,
    drawing,
    elements,
    loan_scores,
    model_parts,
    model_verdict,
)
from financial_pipeline.dashboard import model_evidence as evidence
from financial_pipeline.dashboard.data import Release, current
from financial_pipeline.dashboard.model_labels import in_plain_words, plain
from financial_pipeline.dashboard.widgets import choose
from financial_pipeline.ml.drift import ACT, WATCH


def _choose_cutoff(release: Release) -> object:
    cutoffs = release.rows(evidence.CUTOFFS, evidence.EVALUATION)["training_cutoff"].to_list()
    chosen = choose("Training cut-off", [str(cutoff) for cutoff in cutoffs], "cutoff", 170)
    return next(cutoff for cutoff in cutoffs if str(cutoff) == chosen)


def _draw_evaluation(release: Release, cutoff: object) -> str:
    """Draw the figures of a chosen model; return its name."""
    st.header("How well it ranks", anchor=False)
    rows = release.rows(evidence.EVALUATIONS, evidence.EVALUATION, cutoff=cutoff)
    models = rows.filter(evaluation=evidence.OUT_OF_TIME)["model"].unique().sort().to_list()
    model = choose("Model", models, "model", 260, first=evidence.DECIDING, form=plain)
    found = rows.filter(model=model, evaluation=evidence.OUT_OF_TIME)
    if found.is_empty() or found["auc"][0] is None:
        cause = found["reason"][0] if found.height else "it was not evaluated"
        elements.empty(f"This model has no out-of-time figures: {cause.removesuffix('.')}.")
    else:
        elements.cards(evidence.cards(found.row(0, named=True), cutoff))
    elements.source(release, evidence.EVALUATION)
    elements.rows_behind(in_plain_words(rows), "evaluation", "All evaluations of this cut-off")
    return str(model)


def _discrimination(release: Release, cutoff: object, model: str) -> None:
    if not elements.present(release, evidence.CURVES, evidence.BINS):
        return
    values = {"cutoff": cutoff, "model": model}
    roc = release.rows(evidence.ROC, evidence.CURVES, **values)
    bins = release.rows(evidence.CALIBRATION, evidence.BINS, **values)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**ROC**, with the point of the largest gap (KS)")
        if roc.is_empty():
            elements.empty("No curve was stored for this model.")
        else:
            drawing.chart(_roc, roc)
    with right:
        st.markdown("**Calibration**, with 95% Wilson intervals")
        if bins.is_empty():
            elements.empty("No bins were stored for this model.")
        else:
            drawing.chart(_calibration, bins)
    elements.source(release, evidence.CURVES, evidence.BINS, note="Loans issued after the cut-off.")
    elements.rows_behind(bins, "calibration", "Rows behind the calibration")


def _roc(roc: pl.DataFrame) -> charts.Layers:
    form = alt.Axis(format=".0%")
    x = alt.X("false_positive_rate:Q", title="Goods declined", axis=form)
    y = alt.Y("true_positive_rate:Q", title="Bads caught", axis=form)
    tips = charts.tips(".3f", *roc.columns)
    line = alt.Chart(roc).mark_line(color=charts.BLUE, strokeWidth=2).encode(x=x, y=y, tooltip=tips)
    ends = pl.DataFrame({"false_positive_rate": [0, 1], "true_positive_rate": [0, 1]})
    chance = alt.Chart(ends).mark_line(color=charts.GREY, strokeDash=[4, 3]).encode(x=x, y=y)
    point = evidence.ks_point(roc)
    gap = alt.Chart(pl.DataFrame([point])).mark_rule(color=charts.ORANGE, strokeWidth=3)
    rule = gap.encode(x=x, y="false_positive_rate:Q", y2="true_positive_rate:Q", tooltip=tips)
    return alt.layer(chance, line, rule).properties(height=charts.HEIGHT)


def _calibration(bins: pl.DataFrame) -> charts.Layers:
    top = max(float(bins["mean_pd"].max() or 0), float(bins["high"].max() or 0))  # type: ignore[arg-type]
    form = alt.Axis(format=".0%", tickCount=6)
    base = alt.Chart(bins).encode(x=alt.X("mean_pd:Q", title="Mean PD of the bin", axis=form))
    whiskers = base.mark_rule(color=charts.BLUE, opacity=0.6, strokeWidth=2).encode(
        y=alt.Y("low:Q", title="Default rate"), y2="high:Q"
    )
    tips: list[Any] = ["bin", "loans", "defaults", *charts.tips(".2%", "mean_pd", "default_rate")]
    dots = charts.dots(base.encode(tooltip=tips), "default_rate", title="Default rate", axis=form)
    ends = pl.DataFrame({"mean_pd": [0.0, top], "default_rate": [0.0, top]})
    ideal = alt.Chart(ends).mark_line(color=charts.GREY, strokeDash=[4, 3])
    same = ideal.encode(x="mean_pd:Q", y="default_rate:Q")
    return alt.layer(same, whiskers, dots).properties(height=charts.HEIGHT)


def _coefficients(release: Release, cutoff: object, model: str) -> None:
    if not elements.present(release, evidence.COEFFICIENTS):
        return
    values = {"cutoff": cutoff, "model": model}
    rows = evidence.in_words(
        release.rows(evidence.COEFFICIENT_ROWS, evidence.COEFFICIENTS, **values)
    )
    if rows.is_empty():
        elements.empty(f"The model {plain(model)} has no coefficients.")
        return
    st.markdown("**Coefficients**: change of the log-odds of default per standard deviation")
    drawing.chart(_bars, rows.head(20).with_columns(raises=pl.col("coefficient") > 0))
    st.caption("Orange raises the risk, blue lowers it; associations, not causes. The 20 largest.")
    elements.source(release, evidence.COEFFICIENTS)
    elements.rows_behind(rows, "coefficients")


def _bars(rows: pl.DataFrame) -> alt.Chart:
    return (
        alt.Chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("coefficient:Q", title=None),
            y=charts.label_axis("term", 220),
            color=alt.Color(
                "raises:N",
                scale=alt.Scale(domain=[True, False], range=[charts.ORANGE, charts.BLUE]),
                legend=None,
            ),
            tooltip=["term", "coefficient", "per_unit", "unit"],
        )
        .properties(height=rows.height * 20 + 30)
    )


def _drift(release: Release, cutoff: object) -> None:
    st.header("Drift", anchor=False)
    if not elements.present(release, evidence.DRIFT):
        return
    rows = release.rows(evidence.DRIFT_ROWS, evidence.DRIFT, cutoff=cutoff)
    if rows.is_empty():
        elements.empty("No month after this cut-off was measured.")
        return
    names = rows["variable"].unique().sort().to_list()
    variable = choose("Variable", names, "variable", 260, first="pd_borrower_only", form=plain)
    drawing.chart(_psi, rows.filter(variable=variable))
    elements.source(
        release,
        evidence.DRIFT,
        note=f"Against the training loans; dashed: watch {WATCH:g}, act {ACT:g}.",
    )
    elements.rows_behind(in_plain_words(rows), "drift")


def _psi(chosen: pl.DataFrame) -> charts.Layers:
    lines = charts.lines(chosen, "month", "psi", title="PSI", form=".2f").encode(
        tooltip=["month:T", alt.Tooltip("psi:Q", format=".3f"), "loans:Q", "verdict:N"]
    )
    limits = pl.DataFrame({"at": (WATCH, ACT)})
    marks = alt.Chart(limits).mark_rule(color=charts.ORANGE, strokeDash=[4, 3]).encode(y="at:Q")
    return alt.layer(lines, marks).properties(height=charts.HEIGHT - 60)


def _governance(release: Release, cutoff: object) -> None:
    st.header("Gates, fairness and the card", anchor=False)
    model_parts.closed_rows(release, cutoff, evidence.GATES, "Gates that a model must pass")
    label, query = "Proxy screen (no finding)", evidence.FAIRNESS_ROWS
    model_parts.closed_rows(release, cutoff, evidence.FAIRNESS, label, query)
    if elements.present(release, evidence.CARD):
        card = release.rows(evidence.CARD_TEXT, evidence.CARD, cutoff=cutoff)
        with st.expander("Model card", icon=":material/description:"):
            st.markdown(card["markdown"][0] if card.height else "No card for this cut-off.")


def show(release: Release) -> None:
    """Draw the page."""
    if not elements.has_rows(release, evidence.EVALUATION):
        return
    cutoff = _choose_cutoff(release)
    model_verdict.show(release, cutoff)
    model = _draw_evaluation(release, cutoff)
    _discrimination(release, cutoff, model)
    model_parts.segments(release, cutoff, model)
    if release.missing(evidence.SCORES) and evidence.withheld(release, cutoff):
        # No command would build them: the reason is at the top of the page.
        _coefficients(release, cutoff, model)
        st.info("No loan is scored, because no model is served.", icon=":material/block:")
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            loan_scores.distribution(release, cutoff, model)
        with right:
            _coefficients(release, cutoff, model)
        model_verdict.bands(release)
        loan_scores.one_loan(release, cutoff)
        applicant.what_if(release)
        _drift(release, cutoff)
    model_parts.scorecard(release, cutoff)
    _governance(release, cutoff)
    model_parts.training(release, cutoff)


show(current())
