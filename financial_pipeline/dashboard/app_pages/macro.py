"""Macro: the series as they were known and as revised, and their relation to defaults."""

from datetime import date, timedelta
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import charts, drawing, elements
from financial_pipeline.dashboard import macro_figures as figures
from financial_pipeline.dashboard.data import Release, current
from financial_pipeline.dashboard.widgets import choose, with_spaces

CREDIT = {
    "D1": "D1 rate of the issue month",
    "D3_12": "D3(12) rate of the issue month",
    "calendar_hazard": "defaults of the month per loan on book",
    "seasoning_adjusted_hazard": "defaults of the month over expected",
}
# The first view is as of this long before the newest release, so that revisions are visible.
LOOK_BACK = timedelta(days=365)
# Span of the first view: the last recession and the years after it.
SHOWN = timedelta(days=13 * 365)
# Release markers shown at most.
RELEASES = 36
# A correlation counts as found if the false discovery rate over all cells and lags is below.
FIND_Q = 0.10
SIGN_NOTE = (
    "A negative lag is a lead: the macro month is after the credit month. Loans made while"
    " unemployment is low default in the bad times that follow, so their rate goes down with"
    " unemployment at origination and up with its change afterwards. A correlation is no cause."
)

SIMULATED_NOTE = (
    "In the simulated world a point of unemployment adds 0.08 to the log-odds of a loan's monthly"
    " default: a choice of the demo. Real loans gave 0.016 ± 0.037."
)


def _series(release: Release) -> None:
    st.header("As known, and as revised", anchor=False)
    indicator = choose("Series", tuple(figures.NAMES), "series", 330, form=_name)
    limits = release.rows(figures.SPAN, figures.INDICATORS, indicator=indicator).row(0, named=True)
    if limits["first_observation"] is None:
        elements.missing_input(release, _name(indicator), figures.SERIES_OF[indicator])
    else:
        _one_series(release, indicator, limits)


def _name(series: str) -> str:
    return figures.NAMES[series][0] if series in figures.NAMES else with_spaces(series)


def _days(release: Release, indicator: str, limits: dict[str, Any]) -> tuple[date, date]:
    """Draw the day of knowledge and the first day; the keys keep them for each series."""
    newest = limits["last_release"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        known, first = (
            st.date_input(
                label,
                max(newest - back, least),
                least,
                max(release.today, newest),
                key=f"{key}_{indicator}",
                bind="query-params",
                width=170,
            )
            for label, key, back, least in (
                ("As known on", "known", LOOK_BACK, limits["first_release"]),
                ("From", "from", SHOWN, limits["first_observation"]),
            )
        )
    return known, first


def _one_series(release: Release, indicator: str, limits: dict[str, Any]) -> None:
    known, first = _days(release, indicator, limits)
    values = {"indicator": indicator, "known": known, "first": first}
    rows = release.rows(figures.SERIES, figures.INDICATORS, **values)
    if rows.is_empty():
        elements.empty(f"There is no observation since {first}.")
        return
    drawing.chart(_series_chart, rows, indicator)
    st.markdown(figures.knowledge(rows, known))
    how = (
        "dated vintages (ALFRED); red ticks"
        if limits["last_method"] != figures.RULE
        else "a rule, not recorded; grey ticks"
        if limits["first_method"] == figures.RULE
        else "dated vintages (ALFRED), red ticks, or a rule, grey ticks"
    )
    elements.source(
        release,
        figures.INDICATORS,
        note=f"Release dates by {how}: the newest {RELEASES} up to that day. Shaded: recessions by"
        " the NBER's dates"
        + (", which the simulated economy need not follow." if release.is_synthetic else "."),
    )
    elements.rows_behind(rows, "macro_series")


def _series_chart(rows: pl.DataFrame, indicator: str) -> charts.Layers:
    _, unit, factor = figures.NAMES[indicator]
    thin = charts.thin(rows, 3)
    long = (
        thin.select("observation_date", pl.col("as_known").alias("as known"), "revised")
        .unpivot(index="observation_date", variable_name="version", value_name="value")
        .with_columns(pl.col("value") * factor)
        .drop_nulls("value")
    )
    bounds: list[date] = [rows["observation_date"][0], rows["observation_date"][-1]]
    shade = (
        alt.Chart(figures.recessions_within(bounds[0], bounds[1]))
        .mark_rect(color=charts.GREY, opacity=0.22)
        .encode(x="start:T", x2="end:T")
    )
    curves = charts.lines(
        long, "observation_date", "value", "version", title=unit, form=".1f"
    ).encode(strokeDash=alt.StrokeDash("version:N", legend=None))
    released = thin.filter(pl.col("known_release").is_not_null()).tail(RELEASES)
    floor = pl.lit(long["value"].min()).alias("floor")
    marks = (
        alt.Chart(released.with_columns(floor))
        .mark_tick(orient="vertical", thickness=1, size=9)
        .encode(
            x=alt.X("known_release:T"),
            color=alt.condition(
                "datum.is_estimated", alt.value(charts.GREY), alt.value(charts.RED)
            ),
            y="floor:Q",
            tooltip=[
                alt.Tooltip("known_release:T", title="released"),
                alt.Tooltip("observation_date:T", title="of"),
                alt.Tooltip("as_known:Q", title="as known"),
                alt.Tooltip("is_estimated:N", title="release day estimated"),
                "releases:Q",
            ],
        )
    )
    return alt.layer(shade, curves, marks).properties(height=charts.HEIGHT + 30)


def _correlations(release: Release) -> None:
    st.header("Defaults and the economy", anchor=False)
    if not elements.has_rows(release, figures.CORRELATIONS):
        return
    values = _pair(release.rows(figures.PAIRS, figures.CORRELATIONS))
    rows = release.rows(figures.LAGS, figures.CORRELATIONS, **values)
    if rows["correlation"].count() == 0:
        elements.empty("This pair has too few common months for a correlation.")
        return
    drawing.chart(_lag_chart, rows)
    st.info(SIGN_NOTE, icon=":material/swap_vert:")
    if release.is_synthetic:
        st.caption(SIMULATED_NOTE)
    for caution in rows["caution"].drop_nulls().unique():
        st.warning(str(caution), icon=":material/warning:")
    months = rows["months"].drop_nulls().unique().sort().to_list()
    span = " to ".join(dict.fromkeys((str(months[0]), str(months[-1]))))
    words = "Levels, descriptive only" if rows["is_descriptive"].any() else "Stationary changes"
    elements.source(
        release,
        figures.CORRELATIONS,
        note=f"{words}; n {span} months; bars"
        f" are 95% HAC intervals; filled if q < {FIND_Q} over all cells and lags.",
    )
    elements.rows_behind(rows, "lagged_correlations")


def _pair(pairs: pl.DataFrame) -> dict[str, Any]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = pairs["credit_series"].unique().sort().to_list()
        credit = choose("Credit series", names, "credit", 310, form=lambda n: CREDIT.get(n, n))
        series = pairs.filter(credit_series=credit)["macro_series"].unique().sort().to_list()
        macro = choose("Macro series", series, "with", 310, first="unrate_change_12m", form=_name)
        method = choose("Method", ("pearson", "spearman"), "method", 150)
    return {"credit": credit, "macro": macro, "method": method}


def _lag_chart(rows: pl.DataFrame) -> charts.Layers:
    base = alt.Chart(rows.with_columns(is_find=pl.col("q_value") < FIND_Q)).encode(
        x=alt.X("lag_months:O", title="Months from macro to credit", axis=alt.Axis(labelAngle=0))
    )
    zero = alt.Chart(pl.DataFrame({"y": [0]})).mark_rule(color=charts.GREY).encode(y="y:Q")
    whiskers = base.mark_rule(strokeWidth=2, color=charts.BLUE, opacity=0.55).encode(
        y=alt.Y("hac_low:Q", title="Correlation"), y2="hac_high:Q"
    )
    dots = base.mark_point(size=70, color=charts.BLUE, strokeWidth=2).encode(
        y="correlation:Q",
        fill=alt.condition("datum.is_find", alt.value(charts.BLUE), alt.value("transparent")),
        tooltip=[
            "lag_months",
            "months",
            *charts.tips(".3f", "correlation", "hac_low", "hac_high", "q_value"),
        ],
    )
    return alt.layer(zero, whiskers, dots).properties(height=charts.HEIGHT)


def show(release: Release) -> None:
    """Draw the page."""
    if elements.has_rows(release, figures.INDICATORS):
        elements.cards(figures.latest_cards(release))
        elements.source(
            release, figures.INDICATORS, note="Change is against the observation before."
        )
        _series(release)
    _correlations(release)


show(current())
