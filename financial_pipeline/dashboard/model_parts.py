"""Parts of the Model page: evaluations of groups of loans, the scorecard, and agreement."""

from typing import Any, Final

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import charts, drawing, elements
from financial_pipeline.dashboard.credit_figures import with_rates
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.model_labels import in_plain_words, plain
from financial_pipeline.dashboard.widgets import choose

SEGMENTS: Final = "ml/evaluation_segments"
SCORECARD: Final = "ml/scorecard_points"
TRAINED: Final = "ml/default_model"
AGREEMENT: Final = "ml/spark_agreement"

SEGMENT_ROWS: Final = """
select segment, level, n, defaults, mean_pd, auc, auc_low, auc_high, ks, brier_skill, reason
from ml.evaluation_segments
where training_cutoff = $cutoff and model = $model and evaluation = 'out_of_time'
order by segment, level
"""
POINTS: Final = """
select feature, bin, label, points, woe, information_value, loans, defaults
from ml.scorecard_points
where training_cutoff = $cutoff
order by feature, bin
"""
# All columns of a table at a cut-off.
WHOLE: Final = "select * exclude (training_cutoff) from ml.{} where training_cutoff = $cutoff"


def segments(release: Release, cutoff: object, model: str) -> None:
    """Draw how a model ranks and is calibrated within groups of the tested loans."""
    st.header("Groups of loans", anchor=False)
    if not elements.present(release, SEGMENTS):
        return
    rows = release.rows(SEGMENT_ROWS, SEGMENTS, cutoff=cutoff, model=model)
    if rows.is_empty():
        elements.empty(f"The model {plain(model)} was not evaluated by group.")
        return
    kinds = rows["segment"].unique().sort().to_list()
    kind = choose("By", kinds, "by", 200, form=plain)
    chosen = with_rates(rows.filter(segment=kind), "defaults", "n")
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**AUC** with 95% DeLong intervals; the dashed line is chance")
        known = chosen.drop_nulls("auc")
        if known.is_empty():
            elements.empty(f"No group has an AUC: {chosen['reason'][0]}".rstrip("."))
        else:
            drawing.chart(_ranks, known)
            if (rest := chosen.filter(pl.col("auc").is_null())).height:
                st.caption(f"No AUC for {', '.join(rest['level'])}: {rest['reason'][0]}")
    with right:
        st.markdown("**Default rate** with 95% Wilson intervals, and mean PD (orange)")
        drawing.chart(_calibration_layers, chosen)
    elements.source(release, SEGMENTS, note="Loans issued after the cut-off.")
    elements.rows_behind(in_plain_words(rows), "evaluation_segments")


def _ranks(rows: pl.DataFrame) -> charts.Layers:
    tips: list[Any] = ["level", "n", "defaults", *charts.tips(".3f", "auc", "auc_low", "auc_high")]
    base = alt.Chart(rows).encode(x=charts.level_axis("level"), tooltip=tips)
    scale = alt.Scale(zero=False)
    whiskers = charts.whiskers(base, "auc_low", "auc_high", title="AUC", scale=scale)
    dots = charts.dots(base, "auc", title="AUC")
    chance = alt.Chart(pl.DataFrame({"at": [0.5]})).mark_rule(color=charts.GREY, strokeDash=[4, 3])
    return alt.layer(chance.encode(y="at:Q"), whiskers, dots).properties(height=charts.HEIGHT - 40)


def _calibration_layers(rows: pl.DataFrame) -> charts.Layers:
    shares = charts.tips(".2%", "rate", "low", "high", "mean_pd")
    tips: list[Any] = ["level", "n", "defaults", *shares]
    base = alt.Chart(rows).encode(x=charts.level_axis("level"), tooltip=tips)
    axis = alt.Axis(format=".0%")
    whiskers = charts.whiskers(base, "low", "high", title=None, axis=axis)
    dots = charts.dots(base, "rate", title=None)
    expected = base.mark_tick(color=charts.ORANGE, thickness=3, width=18).encode(
        y=alt.Y("mean_pd:Q", title=None)
    )
    return alt.layer(whiskers, dots, expected).properties(height=charts.HEIGHT - 40)


def scorecard(release: Release, cutoff: object) -> None:
    """Draw the points of the scorecard by bin of a chosen feature."""
    st.header("Scorecard", anchor=False)
    if not elements.present(release, SCORECARD):
        return
    rows = release.rows(POINTS, SCORECARD, cutoff=cutoff)
    if rows.is_empty():
        elements.empty("No scorecard was made at this cut-off.")
        return
    worth = rows.group_by("feature").agg(pl.col("information_value").sum())
    names = worth.sort("information_value", "feature", descending=[True, False])["feature"]
    meaning = "The one with the largest information value first."
    feature = choose("Feature", names.to_list(), "feature", 260, form=plain, meaning=meaning)
    found = with_rates(rows.filter(feature=feature), "defaults", "loans")
    drawing.chart(_points, found)
    elements.source(
        release, SCORECARD, note="Training loans; more points are a lower risk, 20 double the odds."
    )
    elements.rows_behind(in_plain_words(rows), "scorecard_points", "All points of the scorecard")


def _points(rows: pl.DataFrame) -> alt.Chart:
    shares = [
        alt.Tooltip(f"{name}:Q", format=".2%", title=title)
        for name, title in (("rate", "default rate"), ("low", "low"), ("high", "high"))
    ]
    return (
        alt.Chart(rows)
        .mark_bar(color=charts.BLUE)
        .encode(
            x=alt.X("points:Q", title="Points", axis=alt.Axis(tickCount=6)),
            y=charts.label_axis("label", 220),
            tooltip=["label", alt.Tooltip("points:Q", format=".1f"), "loans", "defaults", *shares],
        )
        .properties(height=32 * rows.height + 70)
    )


def training(release: Release, cutoff: object) -> None:
    """Draw how the artifact was trained, and whether Spark fits the same model."""
    closed_rows(release, cutoff, TRAINED, "How the artifact was trained")
    label = "Spark's fit of the deciding model against scikit-learn's"
    closed_rows(release, cutoff, AGREEMENT, label)


def closed_rows(release: Release, cutoff: object, key: str, label: str, query: str = WHOLE) -> None:
    """Draw the rows of a table at a cut-off in a closed expander, with their source."""
    if elements.present(release, key):
        name = key.split("/")[1]
        rows = release.rows(query.format(name), key, cutoff=cutoff)
        elements.rows_behind(in_plain_words(rows), name, label)
        elements.source(release, key)
