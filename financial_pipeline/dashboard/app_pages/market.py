"""Market: prices, returns and risk of the bank shares, and tests of the risk forecasts."""

from datetime import date

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import charts, drawing, elements, restatements
from financial_pipeline.dashboard import market_figures as figures
from financial_pipeline.dashboard.data import Release, current
from financial_pipeline.dashboard.widgets import choose, choose_segment

RANGES = {"6 months": 126, "1 yr": 252, "5 yrs": 1260, "10 yrs": 2520, "All": 10**6}
# Returns that a chart draws as bars.
MOST_BARS = 300
WINDOWS = {"21 sessions": "volatility_21d", "63 sessions": "volatility_63d"} | {
    "252 sessions": "volatility_252d"
}


def _range(release: Release) -> tuple[date, list[str]]:
    sessions = release.rows(figures.SESSIONS, figures.PRICES)
    symbols = release.rows(figures.SYMBOLS, figures.PRICES)["symbol"].to_list()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = choose_segment("Range", tuple(RANGES), "range", "5 yrs")
        banks = st.pills(
            "Banks",
            symbols,
            selection_mode="multi",
            default=symbols,
            key="banks",
            bind="query-params",
        )
    kept = min(RANGES[chosen], sessions.height)
    return sessions["session_date"][sessions.height - kept], list(banks)


def _cards(release: Release, banks: list[str]) -> None:
    if elements.has_rows(release, figures.RISK, figures.VOLATILITY, figures.SHARPE):
        bank = choose("Figures of", banks, "bank", 160)
        if found := figures.bank_cards(release, bank):
            elements.cards(found)
        else:
            st.info(figures.not_measured(bank), icon=":material/info:")
        elements.source(release, figures.VOLATILITY, figures.SHARPE, figures.RISK)


def _prices(release: Release, first: date, banks: list[str]) -> None:
    st.header("Prices and returns", anchor=False)
    rows = release.rows(figures.PRICE_ROWS, figures.PRICES, first=first).filter(
        pl.col("symbol").is_in(banks)
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Adjusted close**, dollars")
        drawing.chart(_lines, _of(rows, "adjusted_close"), banks, "$,.0f")
    with right:
        st.markdown("**Cumulative return** on adjusted closes")
        drawing.chart(_lines, _of(rows, "cumulative_return"), banks)
    elements.source(
        release, figures.PRICES, note="Dividends are in the adjusted close; every return uses it."
    )
    if not release.missing(figures.VOLATILITY) and (
        words := figures.note_words(release, first, banks)
    ):
        st.warning(words)
    elements.rows_behind(rows, "prices")


def _of(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.select("session_date", "symbol", column)


def _lines(rows: pl.DataFrame, banks: list[str], form: str = ".0%") -> alt.Chart:
    column = rows.columns[-1]
    wide = rows.drop_nulls(column).pivot("symbol", index="session_date", values=column)
    thin = charts.thin(wide.sort("session_date"), len(banks))
    long = thin.unpivot(index="session_date", variable_name="symbol", value_name=column)
    return charts.lines(long.drop_nulls(), "session_date", column, "symbol", form=form)


def _risk(release: Release, first: date, banks: list[str]) -> None:
    st.header("Risk", anchor=False)
    keys = (figures.RISK, figures.VOLATILITY, figures.SHARPE)
    if not elements.has_rows(release, *keys):
        return
    rows = release.rows(figures.ROLLING, *keys, first=first).filter(pl.col("symbol").is_in(banks))
    left, right = st.columns(2, gap="medium")
    with left:
        window = choose_segment("Rolling volatility over", tuple(WINDOWS), "window", "63 sessions")
        drawing.chart(_lines, _of(rows, WINDOWS[window]), banks)
        st.markdown(
            "**Drawdown** of each session from the highest adjusted close since the first one"
        )
        drawing.chart(_lines, _of(rows, "drawdown"), banks)
    with right:
        st.markdown("**Sharpe ratio** over 252 sessions, over the three-month bill")
        if rows["sharpe_252d"].count():
            drawing.chart(_lines, _of(rows, "sharpe_252d"), banks, ".1f")
        else:
            _no_ratio(release)
        _correlations(release)
    elements.source(
        release, *keys, note="Volatilities and ratios are annualised with 252 sessions."
    )
    elements.rows_behind(rows, "market_risk")


def _no_ratio(release: Release) -> None:
    """Show why no session in view has a Sharpe ratio."""
    if release.rows(figures.HAS_BILL, figures.SHARPE)["has_bill"][0]:
        elements.empty("No session in view has 95% of the 252 returns that a ratio needs.")
    else:
        elements.missing_input(release, "The Sharpe ratio", "DTB3")


def _correlations(release: Release) -> None:
    if not elements.present(release, figures.CORRELATIONS):
        return
    rows = release.rows(figures.MATRIX, figures.CORRELATIONS)
    if rows.is_empty():
        elements.needs(release, "A correlation", "prices of two banks", figures.PRICES)
        return
    st.markdown(f"**Correlation of daily returns**, 252 sessions to {rows['session_date'][0]}")
    drawing.chart(_matrix, rows)


def _matrix(rows: pl.DataFrame) -> charts.Layers:
    base = alt.Chart(rows).encode(
        x=alt.X("symbol_a:N", title=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("symbol_b:N", title=None),
        tooltip=[
            alt.Tooltip("symbol_a", title="Bank"),
            alt.Tooltip("symbol_b", title="With"),
            alt.Tooltip("correlation:Q", format=".3f"),
        ],
    )
    return charts.heat_map(base, "correlation", alt.Scale(domain=[0, 1]), ".2f", 0.5)


def _value_at_risk(release: Release, first: date, banks: list[str]) -> None:
    st.header("Value at risk and its breaches", anchor=False)
    if not elements.has_rows(release, figures.RISK, figures.VOLATILITY):
        return
    bank = choose("Bank", banks, "var_bank", 160)
    rows = release.rows(figures.BREACHES, figures.RISK, figures.VOLATILITY, bank=bank, first=first)
    if rows.drop_nulls("forecast").is_empty():
        if figures.coverage_words(release, bank):
            elements.empty(f"{bank} has no forecast in this range.")
        else:
            elements.absent(f"{bank} has too few sessions for a forecast.")
        return
    breaches = rows.filter(pl.col("simple_return") < pl.col("forecast"))
    drawing.chart(_breach_chart, rows, breaches)
    known = rows.drop_nulls("forecast").height
    st.markdown(
        f"**{elements.format_count(breaches.height, 'breach', 'breaches')}** in"
        f" **{elements.format_count(known, 'session')}**"
        f" ({elements.percent(breaches.height / known)}; 5% are expected)."
        f" {figures.coverage_words(release, bank)}"
    )
    elements.source(
        release,
        figures.RISK,
        note="95%, historical; the line is the forecast of the session before.",
    )
    elements.rows_behind(breaches, "breaches", "The breaches")


def _breach_chart(rows: pl.DataFrame, breaches: pl.DataFrame) -> charts.Layers:
    thin = charts.thin(rows, 2)
    x = charts.time(thin, "session_date")
    y = alt.Y("simple_return:Q", title="Daily return", axis=alt.Axis(format=".0%"))
    base = alt.Chart(thin)
    # Bars of less than a pixel would leave gaps by chance.
    marks = base.mark_bar if thin.height <= MOST_BARS else base.mark_area
    returns = marks(color=charts.GREY, opacity=0.6).encode(x=x, y=y)
    limit = (
        alt.Chart(thin)
        .mark_line(color=charts.BLUE, strokeWidth=1.6)
        .encode(x=x, y=alt.Y("forecast:Q", title="Daily return"))
    )
    points = (
        alt.Chart(breaches)
        .mark_point(color=charts.RED, filled=True, size=36, shape="triangle-down")
        .encode(
            x=x,
            y=y,
            tooltip=["session_date:T", *charts.tips(".2%", "simple_return", "forecast")],
        )
    )
    return (returns + limit + points).properties(height=charts.HEIGHT)


def show(release: Release) -> None:
    """Draw the page."""
    if not elements.has_rows(release, figures.PRICES):
        return
    first, banks = _range(release)
    if not banks:
        elements.empty("No bank is selected.")
        return
    _cards(release, banks)
    _prices(release, first, banks)
    _risk(release, first, banks)
    _value_at_risk(release, first, banks)
    restatements.prices(release)


show(current())
