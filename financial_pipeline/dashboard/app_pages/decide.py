"""Decide: the threshold for declining, its costs and its earnings. The URL contains the view."""

from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import baselines, charts, drawing, elements, thresholds
from financial_pipeline.dashboard import model_evidence as evidence
from financial_pipeline.dashboard.data import Release, current
from financial_pipeline.dashboard.elements import dollars
from financial_pipeline.dashboard.thresholds import SUMMARY, TABLE, View
from financial_pipeline.dashboard.widgets import amount, choose, with_spaces
from financial_pipeline.ml import decide

STEP = 0.005


def _choose(release: Release) -> View:
    summaries = release.rows(thresholds.SUMMARIES, SUMMARY)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        models = summaries["model"].unique().sort().to_list()
        model = choose("Model", models, "model", 220, form=with_spaces)
        segments = thresholds.segments(summaries.filter(model=model))
        segment = choose("Loans", tuple(segments), "segment", 220, form=with_spaces)
    kind, level = segments[segment]
    summary = summaries.filter(model=model, segment=kind, level=level).row(0, named=True)
    group = {"model": model, "segment": kind, "level": level}
    return View(summary, release.rows(thresholds.ROWS, TABLE, SUMMARY, **group))


def _slider(view: View) -> float:
    best = round(view.summary["best_threshold"] / STEP) * STEP
    chosen = st.slider(
        "Decline from a PD of",
        0.0,
        1.0,
        best,
        STEP,
        format="%.3f",
        key="threshold",
        bind="query-params",
        help="Applications with a probability of default at or above it are declined.",
    )
    return float(chosen)


def _costs(view: View) -> tuple[int, int, int]:
    loss, gain = thresholds.cost_per_loan(view)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        meaning = "Default: the loss of the training loans on an average loan."
        label = "Cost of a bad loan approved, $"
        bad = amount(label, "cost_bad", 0, 1_000_000, loss, 100, 230, meaning)
        meaning = "Default: the forgone gain on an average loan."
        label = "Cost of a good loan declined, $"
        good = amount(label, "cost_good", 0, 1_000_000, gain, 100, 230, meaning)
        label = "Capacity: at most so many approved (0: no limit)"
        capacity = amount(label, "capacity", 0, 10_000_000, 0, 100, 330)
    return int(bad), int(good), int(capacity)


def _confusion(row: dict[str, Any]) -> None:
    st.markdown("**Confusion counts**")
    cells = pl.DataFrame(
        {
            "decision": ["declined", "declined", "approved", "approved"],
            "outcome": ["bad", "good", "bad", "good"],
            "loans": [row["tp"], row["fp"], row["fn"], row["tn"]],
            "right": [True, False, False, True],
        }
    )
    drawing.chart(_confusion_chart, cells=cells)
    st.caption("Blue decisions were right, orange ones wrong.")


def _confusion_chart() -> charts.Layers:
    base = alt.Chart(alt.NamedData("cells")).encode(
        x=alt.X("outcome:N", title="turned out", axis=alt.Axis(labelAngle=0, orient="top")),
        y=alt.Y("decision:N", title=None, axis=alt.Axis(labelAngle=0)),
        tooltip=["decision:N", "outcome:N", "loans:Q"],
    )
    colours = alt.Scale(domain=[True, False], range=[charts.BLUE, charts.ORANGE])
    boxes = base.mark_rect(cornerRadius=4).encode(
        color=alt.Color("right:N", scale=colours, legend=None)
    )
    counts = base.mark_text(fontSize=20, fontWeight="bold", color="white").encode(
        text=alt.Text("loans:Q", format=",d")
    )
    return (boxes + counts).properties(height=220)


def _profit(
    view: View, threshold: float, capacity: float | None, everyone: baselines.Baseline
) -> None:
    st.markdown("**Profit by threshold**, with the band within 1% of the best")
    best = view.summary
    drawing.chart(
        _profit_chart,
        view.table,
        best["band_low"],
        best["band_high"],
        everyone.profit_usd,
        chosen=pl.DataFrame({"at": [threshold]}),
        fitting=pl.DataFrame({"at": [capacity]}, schema={"at": pl.Float64}).drop_nulls(),
    )
    st.caption(
        f"Best at {best['best_threshold']:.3f}, band {best['band_low']:.3f} to"
        f" {best['band_high']:.3f}, break-even PD {best['break_even_pd']:.3f}."
        " The dashed line is your threshold, the dotted one the profit of approving all:"
        f" {dollars(everyone.profit_usd)}.".replace("$", "\\$")
    )


def _profit_chart(table: pl.DataFrame, low: float, high: float, everyone: float) -> charts.Layers:
    money = table.select(
        "threshold",
        pl.col("profit_realised_usd").alias("realised"),
        pl.col("profit_expected_usd").alias("expected"),
    ).unpivot(index="threshold", variable_name="profit", value_name="usd")
    money = money.with_columns(amount=pl.Series(map(dollars, money["usd"]), dtype=pl.String))
    band = pl.DataFrame({"low": [low], "high": [high]})
    shade = (
        alt.Chart(band).mark_rect(opacity=0.18, color=charts.GREEN).encode(x="low:Q", x2="high:Q")
    )
    curves = (
        alt.Chart(money)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("threshold:Q", title="Decline from a PD of", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("usd:Q", title=None, axis=alt.Axis(labelExpr=charts.DOLLAR_LABELS)),
            color=charts.series_colour("profit"),
            tooltip=["profit:N", "threshold:Q", "amount:N"],
        )
    )
    policy = {"usd": [everyone], "amount": [dollars(everyone)], "policy": ["approving all"]}
    baseline = (
        alt.Chart(pl.DataFrame(policy))
        .mark_rule(color=charts.GREY, strokeWidth=2, strokeDash=[1, 4])
        .encode(y="usd:Q", tooltip=["policy:N", "amount:N"])
    )
    rules = baseline, charts.rule("chosen"), charts.rule("fitting", charts.GREY, dash=(2, 2))
    return alt.layer(shade, curves, *rules).properties(height=charts.HEIGHT)


def show(release: Release) -> None:
    """Draw the page."""
    reason = evidence.withheld(release) if release.missing(TABLE) else None
    if reason:
        st.warning(reason, icon=":material/block:")
        return
    if not elements.has_rows(release, TABLE, SUMMARY):
        return
    view = _choose(release)
    threshold = _slider(view)
    bad, good, capacity = _costs(view)
    row = decide.threshold_row(view.table, threshold)
    everyone, by_grade = baselines.approve_all(view), baselines.best_by_grade(release, view)
    compared = baselines.cards(row, everyone, by_grade)
    elements.cards([*thresholds.cards(view, row, bad, good), *compared])
    st.caption(baselines.expected_against_realised(view, row).replace("$", "\\$"))
    fitting = decide.threshold_for_capacity(view.table, capacity) if capacity else None
    if fitting is not None:
        words = "fits" if row["approved"] <= capacity else "is too many"
        st.info(
            f"{row['approved']:,} approved {words} for a capacity of {capacity:,}; the highest"
            f" threshold that fits is {fitting:.3f}.",
            icon=":material/group:",
        )
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _confusion(row)
    with right:
        _profit(view, threshold, fitting, everyone)
    elements.source(release, TABLE, SUMMARY, note="Out-of-time test loans with known outcome.")
    elements.rows_behind(view.table, "thresholds")


show(current())
