"""Credit: how vintages age, how loans roll between states and recover, and who was turned away."""

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import charts, credit_flows, drawing, elements, loan_filter
from financial_pipeline.dashboard import credit_figures as figures
from financial_pipeline.dashboard.data import Release, current
from financial_pipeline.dashboard.loan_filter import LoanFilter
from financial_pipeline.dashboard.portfolio_figures import kpi_cards
from financial_pipeline.dashboard.widgets import choose

# The older vintage of a comparison is this many quarters earlier.
QUARTERS = 4


def _cards(release: Release) -> None:
    if elements.has_rows(release, figures.SUMMARY):
        elements.cards(kpi_cards(release, figures.MEASURES, of_any_month=True))
        elements.source(release, figures.SUMMARY, note="Each of its newest month.")


def _chosen(release: Release) -> LoanFilter:
    """Draw the filter, and name the tiles that it does not reach."""
    chosen = loan_filter.bar(release)
    if chosen.is_offered:
        st.caption(
            "The filter is for vintages, early arrears and losses. The cards above, roll rates and"
            " approvals are of the whole book."
        )
    return chosen


def _vintages(release: Release, chosen: LoanFilter) -> None:
    st.header("Vintages", anchor=False)
    curves = loan_filter.vintages(release, chosen)
    if curves is None:
        return
    st.markdown("**Cumulative defaults** of each vintage by month on book")
    aged = (pl.col("months_on_book") > 0) & (pl.col("months_on_book") % figures.STEP == 0)
    cells = curves.filter(aged)
    if cells.is_empty():
        elements.absent(f"No vintage is {figures.STEP} months old.")
    else:
        drawing.chart(_heat_map, cells)
    _comparison(curves)
    elements.source(
        release,
        loan_filter.CURVES,
        note="All loans of the quarter are the denominator; 95% Wilson.",
    )
    elements.rows_behind(curves, "vintages")


def _heat_map(cells: pl.DataFrame) -> charts.Layers:
    base = alt.Chart(cells).encode(
        x=alt.X("months_on_book:O", title="Months on book", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("vintage:N", title=None, axis=alt.Axis(labelOverlap=True)),
        tooltip=[
            "vintage:N",
            "months_on_book:Q",
            "loans:Q",
            "cumulative_defaults:Q",
            *charts.tips(".2%", "default_rate", "default_rate_low", "default_rate_high"),
        ],
    )
    colour = alt.Color(
        "default_rate:Q",
        scale=alt.Scale(range=["#E4E8EC", charts.ORANGE], interpolate="rgb"),
        legend=alt.Legend(orient="top", title="Defaulted", format=".0%", gradientLength=200),
    )
    # Legend and axis take 120 pixels of it.
    height = 16 * cells["vintage"].n_unique() + 120
    return alt.layer(base.mark_rect().encode(color=colour)).properties(height=height)


def _comparison(curves: pl.DataFrame) -> None:
    names = curves["vintage"].unique(maintain_order=True).to_list()
    if len(names) < 2:
        st.info("A comparison needs two vintages.", icon=":material/info:")
        return
    aged = curves.filter(pl.col("months_on_book") >= figures.YOUNG_MONTHS)["vintage"].unique()
    newest = max((at for at, name in enumerate(names) if name in aged), default=len(names) - 1)
    st.markdown("**Two vintages compared**, with 95% Wilson intervals")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first, second = (
            choose(label, names, key, 150, first=names[index])
            for label, key, index in (
                ("Vintage", "vintage", newest),
                ("Against", "against", max(newest - QUARTERS, 0)),
            )
        )
    pair = curves.filter(pl.col("vintage").is_in([first, second]))
    drawing.chart(_pair, pair)
    st.markdown(
        figures.compare_vintages(curves.filter(vintage=first), curves.filter(vintage=second))
    )


def _pair(pair: pl.DataFrame) -> charts.Layers:
    base = alt.Chart(pair).encode(
        x=alt.X("months_on_book:Q", title="Months on book"), color=charts.series_colour("vintage")
    )
    percent = alt.Axis(format=".0%")
    interval = base.mark_area(opacity=0.2).encode(
        y=alt.Y("default_rate_low:Q", title="Cumulative defaults", axis=percent),
        y2="default_rate_high:Q",
    )
    line = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("default_rate:Q", title="Cumulative defaults"),
        tooltip=["vintage", "months_on_book", "loans", alt.Tooltip("default_rate", format=".2%")],
    )
    return alt.layer(interval, line).properties(height=charts.HEIGHT)


def _rolls(release: Release) -> None:
    st.header("Roll rates", anchor=False)
    if not elements.present(release, figures.TRANSITIONS):
        return
    months = release.rows(figures.ROLL_MONTHS, figures.TRANSITIONS).to_dicts()
    if not months:
        needed = "two snapshots a month apart: drop the file of another month"
        elements.needs(release, "A roll rate", needed, figures.TRANSITIONS)
        return
    names = {f"{row['snapshot_month']:%Y-%m} ({row['source']})": row for row in months}
    chosen = names[choose("From month", tuple(names), "month", 260)]
    values = {"month": chosen["snapshot_month"], "source": chosen["source"]}
    cells = _with_state_names(release.rows(figures.MATRIX, figures.TRANSITIONS, **values))
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Share of the loans** in a state that are in another one a month later")
        drawing.chart(_matrix, cells)
    with right:
        _roll_history(release, cells, chosen["source"])
    elements.source(
        release, figures.TRANSITIONS, note="Loans seen in both snapshots; 95% Wilson intervals."
    )
    elements.rows_behind(cells, "roll_rates")


def _with_state_names(cells: pl.DataFrame) -> pl.DataFrame:
    order = list(figures.STATES)
    ends = pl.col("from_state", "to_state")
    in_order = cells.sort(ends.replace_strict(order, list(range(len(order))), default=99))
    return in_order.with_columns(ends.replace(figures.STATES))


def _matrix(cells: pl.DataFrame) -> charts.Layers:
    order = list(figures.STATES.values())
    labels = alt.Axis(labelAngle=-30, orient="top", labelLimit=140, labelOverlap=False)
    base = alt.Chart(cells).encode(
        x=alt.X("to_state:N", sort=order, title=None, axis=labels),
        y=alt.Y("from_state:N", sort=order, title=None, axis=alt.Axis(labelLimit=140)),
        tooltip=[
            "from_state",
            "to_state",
            *charts.tips(",d", "loans_from", "loans"),
            *charts.tips(".2%", "probability", "probability_low", "probability_high"),
        ],
    )
    scale = alt.Scale(type="sqrt", domain=[0, 1], range=["#EEF2F6", "#1B5C94"], interpolate="rgb")
    return charts.heat_map(base, "probability", scale, ".1%", 0.3)


def _roll_history(release: Release, cells: pl.DataFrame, source: str) -> None:
    pairs = [(before, after) for before, after in cells.select("from_state", "to_state").rows()]
    names = [f"{before} → {after}" for before, after in pairs if before != after]
    if not names:
        elements.empty("No loan changed its state.")
        return
    roll = choose("Over time", names, "roll", 330)
    codes = {name: code for code, name in figures.STATES.items()}
    before, after = (codes.get(name, name) for name in roll.split(" → "))
    values = {"source": source, "from_state": before, "to_state": after}
    rows = release.rows(figures.ROLL_HISTORY, figures.TRANSITIONS, **values)
    rows = rows.rename({f"probability_{end}": end for end in ("low", "high")})
    drawing.chart(charts.band, rows, "snapshot_month", "probability")


def show(release: Release) -> None:
    """Draw the page."""
    _cards(release)
    chosen = _chosen(release)
    _vintages(release, chosen)
    credit_flows.arrears(release, chosen)
    credit_flows.losses(release, chosen)
    _rolls(release)
    credit_flows.approvals(release)


show(current())
