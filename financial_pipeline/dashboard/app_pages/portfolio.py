"""Portfolio: key figures, default rates, vintage curves, states, and the loans behind them."""

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import charts, drawing, drill_down, elements, state_map, trend
from financial_pipeline.dashboard import portfolio_figures as figures
from financial_pipeline.dashboard.data import Release, current
from financial_pipeline.settings import Settings

GRADES = ("all", "A", "B", "C", "D", "E", "F", "G")
MEANING = (
    "**D1** (matured) is the headline: loans whose term has passed. **D0** (resolved) overstates"
    " young vintages, **D2** (to date) understates them. Hatched bars contain active loans, so"
    " they will change; the grey line is the share of loans still active."
)
# A state with fewer matured loans has no rate worth a colour: its 95 % interval is as wide as the
# differences between states.
MIN_MATURED = 500
MAP_MEASURES = {"Default rate (D1)": "default_rate", "Funded": "funded_usd", "Loans": "loans"}


def _kpis(release: Release) -> None:
    if elements.filled(release, figures.SUMMARY):
        if sentence := trend.headline(release):
            st.markdown(sentence)
        elements.cards(figures.kpi_cards(release))
        elements.source(
            release,
            figures.SUMMARY,
            note=f"Change is over {trend.TREND_MONTHS} months, or since the first one; it has a"
            " colour only if the earlier value is outside the 95 % Wilson interval of the newest.",
        )
        history = release.rows(figures.HISTORY, figures.SUMMARY)
        elements.rows_behind(history, "portfolio_summary", "All months behind these figures")


def _grades(release: Release) -> None:
    st.header("Default rate by grade", anchor=False)
    if not elements.filled(release, figures.RATES):
        return
    st.caption(MEANING)
    rates = figures.rates_by_grade(release)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**All vintages, by grade** with 95 % Wilson intervals")
        drawing.chart(_grade_bars, rates)
    with right:
        grade = st.selectbox("Vintages of grade", GRADES, key="vintage_grade", bind="query-params")
        vintages = release.rows(figures.BY_VINTAGE, figures.RATES, grade=grade)
        if vintages.is_empty():
            elements.empty(f"No loan of grade {grade} has a known outcome.")
        else:
            drawing.chart(_vintage_bars, vintages)
    elements.source(release, figures.RATES, note="Loans outside the credit policy are left out.")
    elements.rows_behind(rates, "default_rates_by_grade")


def _definition() -> alt.Color:
    names, fills = list(charts.DEFINITIONS), list(charts.DEFINITIONS.values())
    scale = alt.Scale(domain=names, range=fills)
    return alt.Color("definition:N", scale=scale, legend=charts.legend())


def _grade_bars(rates: pl.DataFrame) -> charts.Layers:
    base = alt.Chart(rates).encode(
        x=alt.X("grade:N", title=None, axis=alt.Axis(labelAngle=0)), xOffset="definition:N"
    )
    tips = ["definition", "grade", "loans", "defaults", alt.Tooltip("rate", format=".2%")]
    rate = alt.Y("rate:Q", title=None, axis=alt.Axis(format=".0%"))
    bars = base.mark_bar().encode(y=rate, color=_definition(), tooltip=tips)
    whiskers = base.mark_rule(color=charts.GREY).encode(y="low:Q", y2="high:Q")
    return (bars + whiskers).properties(height=charts.HEIGHT)


def _vintage_bars(vintages: pl.DataFrame) -> charts.Layers:
    base = alt.Chart(vintages).encode(
        x=alt.X("vintage:N", title="Issue year", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        xOffset="definition:N",
        y=alt.Y("rate:Q", title=None, axis=alt.Axis(format=".0%")),
        tooltip=[
            "vintage",
            "definition",
            "loans",
            "defaults",
            alt.Tooltip("rate", format=".2%"),
            alt.Tooltip("still_active", format=".0%", title="still active"),
        ],
    )
    mature = base.transform_filter("!datum.is_immature").mark_bar().encode(color=_definition())
    young = [
        base.transform_filter(f"datum.is_immature && datum.definition == '{name}'").mark_bar(
            fill=charts.hatched(fill), stroke=fill, strokeWidth=1
        )
        for name, fill in charts.DEFINITIONS.items()
    ]
    active = alt.Chart(vintages.unique("vintage").sort("vintage")).encode(
        x=alt.X("vintage:N"), y=alt.Y("still_active:Q")
    )
    share = active.mark_line(color=charts.GREY, strokeWidth=2, point={"color": charts.GREY})
    return alt.layer(mature, *young, share).properties(height=charts.HEIGHT - 30)


def _curves(release: Release) -> None:
    st.header("Vintage curves", anchor=False)
    if not elements.filled(release, figures.CURVES):
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        grade = st.selectbox("Grade", GRADES, key="curve_grade", width=120)
        term = st.segmented_control(
            "Term (months)", (36, 60), default=36, required=True, key="curve_term"
        )
        smallest = st.number_input(
            "Minimum number of loans", 1, 100_000, 50, key="curve_min", width=180
        )
    curves = release.rows(
        figures.VINTAGES, figures.CURVES, grade=grade, term=term, smallest=smallest
    )
    if curves.is_empty():
        elements.empty(f"No vintage of grade {grade} over {term} months has {smallest:,} loans.")
        return
    drawing.chart(_curve_chart, curves)
    elements.source(
        release,
        figures.CURVES,
        note="Fixed denominator: all loans of the quarter's vintage. A default is dated"
        f" {Settings().default_lag_months} months after the last payment, the file has no date of"
        " its own.",
    )
    elements.rows_behind(curves, "vintage_curves")


def _curve_chart(curves: pl.DataFrame) -> alt.Chart:
    return (
        alt.Chart(charts.thinned(curves))
        .mark_line(strokeWidth=1.4)
        .encode(
            x=alt.X("months_on_book:Q", title="Months on book"),
            y=alt.Y("default_rate:Q", title="Cumulative defaults", axis=alt.Axis(format=".0%")),
            detail="vintage:N",
            color=alt.Color(
                "issue_year:Q",
                scale=alt.Scale(range=[charts.ORANGE, charts.BLUE]),
                legend=alt.Legend(orient="top", title="Issue year", format="d"),
            ),
            tooltip=[
                "vintage",
                "months_on_book",
                "loans",
                "cumulative_defaults",
                alt.Tooltip("default_rate", format=".2%"),
            ],
        )
        .properties(height=charts.HEIGHT + 40)
    )


def _states(release: Release) -> None:
    st.header("Loans by state", anchor=False)
    if not elements.filled(release, figures.LOANS, figures.GEOGRAPHY):
        return
    states = release.rows(figures.BY_STATE, figures.LOANS, figures.GEOGRAPHY)
    choice = st.segmented_control(
        "Colour by", tuple(MAP_MEASURES), default="Default rate (D1)", required=True, key="map_by"
    )
    column = MAP_MEASURES[choice or "Default rate (D1)"]
    left, right = st.columns([3, 2], gap="medium")
    enough = pl.col("matured") >= MIN_MATURED
    rated = states.with_columns(pl.when(enough).then("default_rate").alias("default_rate"))
    with left:
        drawing.chart(state_map.chart, rated, column, choice or "")
    with right:
        _concentration(release)
    known = pl.col("state").is_in(state_map.on_map())
    elements.source(
        release,
        figures.LOANS,
        note=f"{states.filter(~known)['loans'].sum():,} loans are in no state of the map"
        f" (territories, military mail or unknown). A rate needs {MIN_MATURED} matured loans;"
        " blue is below the mean of these states, orange above it, grey has too few loans.",
    )
    elements.rows_behind(states, "states")


def _concentration(release: Release) -> None:
    st.markdown("**Concentration** of funded dollars")
    if not elements.filled(release, figures.SUMMARY):
        return
    history = release.rows(figures.HISTORY, figures.SUMMARY)
    wide = (
        history.filter(pl.col("measure").is_in(["hhi_funded", "effective_number"]))
        .filter(pl.col("snapshot_month") == pl.col("snapshot_month").max())
        .pivot("measure", index="segment_kind", values="value")
    )
    if wide.is_empty():
        elements.empty("No concentration was measured.")
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


def show(release: Release) -> None:
    """Draw the page."""
    _kpis(release)
    _grades(release)
    _curves(release)
    _states(release)
    drill_down.show(release)


show(current())
