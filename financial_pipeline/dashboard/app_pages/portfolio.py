"""Portfolio: key figures, default rates, vintage curves, states, and the loans behind them."""

from typing import Any

import altair as alt
import streamlit as st

from financial_pipeline.dashboard import (
    charts,
    chosen_loans,
    drawing,
    drill_down,
    elements,
    loan_filter,
    loan_states,
    trend,
)
from financial_pipeline.dashboard import portfolio_figures as figures
from financial_pipeline.dashboard.data import Release, current
from financial_pipeline.dashboard.loan_filter import LoanFilter

MEANING = (
    "**D1** (matured) is the headline: loans whose term has passed. **D0** (resolved) overstates"
    " young vintages, **D2** (to date) understates them. Hatched bars contain active loans, so"
    " they will change; the grey line is the share of loans still active."
)


def _kpis(release: Release) -> None:
    if elements.has_rows(release, figures.SUMMARY):
        if sentence := trend.headline(release):
            st.markdown(sentence)
        elements.cards(figures.kpi_cards(release))
        elements.source(
            release,
            figures.SUMMARY,
            note=f"Change is over {trend.TREND_MONTHS} months, or since the first one; it has a"
            " colour only if the earlier value is outside the 95% Wilson interval of the newest.",
        )
        history = release.rows(figures.HISTORY, figures.SUMMARY)
        elements.rows_behind(history, "portfolio_summary", "All months behind these figures")


def _chosen(release: Release) -> LoanFilter:
    """Draw the filter and the figures of the chosen loans."""
    chosen = loan_filter.bar(release)
    if chosen.is_whole and chosen.is_offered:
        st.caption("All loans. A click on a bar or a state of the map chooses it.")
    elif chosen.is_offered and not release.missing(*loan_filter.TABLES):
        elements.cards(chosen_loans.selection_cards(release, chosen))
        elements.source(release, loan_filter.LOANS, note="The figures above are of the whole book.")
    return chosen


def _pick_grade(picked: dict[str, Any]) -> None:
    st.session_state["grade"] = picked["grade"]


def _pick_year(picked: dict[str, Any]) -> None:
    st.session_state["from"] = st.session_state["to"] = picked["vintage"]


def _grades(release: Release, chosen: LoanFilter) -> None:
    st.header("Default rate by grade", anchor=False)
    if not elements.has_rows(release, loan_filter.RATES):
        return
    st.caption(MEANING)
    rates = chosen_loans.rates_by_grade(release, chosen)
    if rates.is_empty():
        elements.empty("No chosen loan has a known outcome.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**By grade** with 95% Wilson intervals")
        drawing.chart(_grade_bars, picks=("grade_bars", _pick_grade), rates=rates)
    with right:
        st.markdown("**By issue year**")
        vintages = chosen_loans.rates_by_vintage(release, chosen)
        years = vintages.unique("vintage").sort("vintage")
        picks = ("vintage_bars", _pick_year)
        drawing.chart(_vintage_bars, picks=picks, vintages=vintages, years=years)
    keys = loan_filter.TABLES if chosen.needs_loans else (loan_filter.RATES,)
    elements.source(release, *keys, note="Loans outside the credit policy are left out.")
    elements.rows_behind(rates, "default_rates_by_grade")


def _definition() -> alt.Color:
    names, fills = list(charts.DEFINITIONS), list(charts.DEFINITIONS.values())
    scale = alt.Scale(domain=names, range=fills)
    return alt.Color("definition:N", scale=scale, legend=charts.legend())


def _grade_bars() -> charts.Layers:
    base = alt.Chart(alt.NamedData("rates")).encode(
        x=alt.X("grade:N", title=None, axis=alt.Axis(labelAngle=0)), xOffset="definition:N"
    )
    tips = [*_counts("grade"), *charts.tips(".2%", "rate")]
    rate = alt.Y("rate:Q", title=None, axis=alt.Axis(format=".0%"))
    bars = base.mark_bar(cursor="pointer").encode(y=rate, color=_definition(), tooltip=tips)
    bars = bars.add_params(alt.selection_point(name=drawing.PICK, fields=["grade"]))
    whiskers = base.mark_rule(color=charts.GREY).encode(y="low:Q", y2="high:Q")
    return (bars + whiskers).properties(height=charts.HEIGHT)


def _counts(first: str) -> list[alt.Tooltip]:
    named = [alt.Tooltip(f"{name}:N") for name in (first, "definition")]
    return named + charts.tips(",d", "loans", "defaults")


def _issue_year() -> alt.X:
    # A line alone would have the years as points, and the bars to the right of their labels.
    axis = alt.Axis(labelAngle=0, labelOverlap=True)
    return alt.X("vintage:N", title="Issue year", axis=axis, scale=alt.Scale(type="band"))


def _vintage_bars() -> charts.Layers:
    base = alt.Chart(alt.NamedData("vintages")).encode(
        x=_issue_year(),
        xOffset="definition:N",
        y=alt.Y("rate:Q", title=None, axis=alt.Axis(format=".0%")),
        tooltip=[
            *_counts("vintage"),
            *charts.tips(".2%", "rate"),
            alt.Tooltip("still_active:Q", format=".0%", title="still active"),
        ],
    )
    mature = base.transform_filter("!datum.is_immature").mark_bar().encode(color=_definition())
    young = [
        base.transform_filter(f"datum.is_immature && datum.definition == '{name}'").mark_bar(
            fill=charts.hatched(fill), stroke=fill, strokeWidth=1
        )
        for name, fill in charts.DEFINITIONS.items()
    ]
    share_axis = alt.Axis(format=".0%", orient="right", grid=False)
    years = alt.Chart(alt.NamedData("years"))
    active = years.encode(
        x=_issue_year(),
        y=alt.Y(
            "still_active:Q", title="Still active", axis=share_axis, scale=alt.Scale(domain=[0, 1])
        ),
    )
    share = active.mark_line(color=charts.GREY, strokeWidth=2, point={"color": charts.GREY})
    # One transparent bar per year takes the clicks of all its definitions.
    clicked = (
        years.mark_bar(opacity=0.01, cursor="pointer")
        .encode(x=_issue_year(), y=alt.value(0), y2=alt.value("height"))
        .add_params(alt.selection_point(name=drawing.PICK, fields=["vintage"]))
    )
    bars = alt.layer(clicked, mature, *young)
    layers = alt.layer(bars, share).resolve_scale(y="independent")
    return layers.properties(height=charts.HEIGHT)


def _curves(release: Release, chosen: LoanFilter) -> None:
    st.header("Vintage curves", anchor=False)
    curves = loan_filter.vintages(release, chosen)
    if curves is None:
        return
    drawing.chart(_curve_chart, curves=charts.thin(curves))
    elements.source(
        release,
        loan_filter.CURVES,
        note="Fixed denominator: all loans of the quarter's vintage. A default is dated"
        f" {figures.default_lag_months()} months after the last payment, the file has no date of"
        " its own.",
    )
    elements.rows_behind(curves, "vintage_curves")


def _curve_chart() -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("curves"))
        .mark_line(strokeWidth=1.4)
        .encode(
            x=alt.X("months_on_book:Q", title="Months on book"),
            y=alt.Y("default_rate:Q", title="Cumulative defaults", axis=alt.Axis(format=".0%")),
            detail="vintage:N",
            color=alt.Color(
                "issue_year:Q",
                scale=alt.Scale(range=[charts.ORANGE, charts.BLUE], interpolate="rgb"),
                legend=alt.Legend(orient="top", title="Issue year", format="d"),
            ),
            tooltip=[
                alt.Tooltip("vintage:N"),
                *(
                    alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=",d")
                    for name in ("months_on_book", "loans", "cumulative_defaults")
                ),
                alt.Tooltip("default_rate:Q", title="default rate", format=".2%"),
            ],
        )
        .properties(height=charts.HEIGHT + 40)
    )


def show(release: Release) -> None:
    """Draw the page."""
    _kpis(release)
    chosen = _chosen(release)
    _grades(release, chosen)
    _curves(release, chosen)
    loan_states.show(release, chosen)
    drill_down.show(release, chosen)


show(current())
