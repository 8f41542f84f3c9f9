"""Live: the stream's bars, indicators and alerts, and whether it still runs."""

from datetime import UTC, datetime

import altair as alt
import polars as pl
import streamlit as st

from financial_pipeline.dashboard import charts, drawing, elements
from financial_pipeline.dashboard import stream_figures as figures
from financial_pipeline.dashboard.data import Release, current, open_release
from financial_pipeline.dashboard.widgets import choose, choose_segment

REFRESH = "5s"
# Set while the whole page runs: the panel is then drawn with the page and not alone.
WITH_PAGE = "live_with_page"
INDICATORS = {
    "Rolling volatility": "rolling_volatility",
    "Return z-score": "return_zscore",
    "Volume z-score": "volume_zscore",
    "Realised variance": "realised_variance",
}


def _bars(rows: pl.DataFrame) -> charts.Layers:
    thin = charts.thin(rows)
    x = alt.X("window_start:T", title=None, axis=alt.Axis(format="%H:%M"))
    scale = alt.Scale(zero=False)
    rising = alt.condition(
        "datum.close >= datum.open", alt.value(charts.BLUE), alt.value(charts.ORANGE)
    )
    base = alt.Chart(thin).encode(
        x=x,
        color=rising,
        tooltip=[
            alt.Tooltip("window_start:T", format="%H:%M"),
            "open",
            "high",
            "low",
            "close",
            "volume",
            "message_count",
        ],
    )
    wicks = base.mark_rule().encode(y=alt.Y("low:Q", title="$", scale=scale), y2="high:Q")
    bodies = base.mark_bar(size=min(14, max(1, 600 // max(thin.height, 1)))).encode(
        y=alt.Y("open:Q", title="$", scale=scale), y2="close:Q", stroke=rising
    )
    return alt.layer(wicks, bodies).properties(height=charts.HEIGHT)


def _bank(release: Release) -> None:
    symbols = release.rows(figures.SYMBOLS, figures.BARS)["symbol"].to_list()
    if not symbols:
        elements.absent("No bar has arrived yet.")
        return
    symbol = choose_segment("Bank", symbols, "symbol", symbols[0])
    bars = release.rows(figures.NEWEST_BARS, figures.BARS, symbol=symbol)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{symbol}**, one-minute bars of {bars['session_date'][-1]}")
        drawing.chart(_bars, bars)
    with right:
        if elements.present(release, figures.INDICATORS):
            _indicator(release, symbol)
    elements.source(release, figures.BARS, note="Times are UTC.")
    elements.rows_behind(bars, "bars")


def _indicator(release: Release, symbol: str) -> None:
    name = choose("Indicator", tuple(INDICATORS), "indicator")
    column = INDICATORS[name]
    rows = release.rows(figures.NEWEST_INDICATORS, figures.INDICATORS, symbol=symbol)
    known = rows.drop_nulls(column)
    if known.is_empty():
        elements.empty(f"{symbol} has too few bars in this session for it.")
        return
    drawing.chart(_line, known.select("window_start", column))


def _line(rows: pl.DataFrame) -> alt.Chart:
    at, column = rows.columns
    thin = charts.thin(rows)
    return charts.lines(thin, at, column, form=".3~g", height=charts.HEIGHT - 40)


def _alerts(release: Release) -> None:
    st.header("Alerts", anchor=False)
    if not elements.present(release, figures.ALERTS):
        return
    alerts = release.rows(figures.NEWEST_ALERTS, figures.ALERTS)
    if alerts.is_empty():
        elements.absent("No bar was unusual enough for an alert.")
        return
    elements.table(alerts, "alerts", height=280)
    elements.source(release, figures.ALERTS, note="The newest 500; a bar has at most one.")


def _accounting(release: Release) -> None:
    st.header("Late, dead and compared", anchor=False)
    left, right = st.columns(2, gap="medium")
    for column, key, words in (
        (left, figures.LATE, "Late messages, by reason"),
        (right, figures.DEAD, "Dead letters, by reason"),
    ):
        with column:
            st.markdown(f"**{words}**")
            if elements.present(release, key):
                rows = release.rows(figures.REASONS[key], key)
                elements.table(rows, key.split("/")[1])
                elements.source(release, key)
    st.markdown("**Stream against batch**, by trading day")
    if elements.present(release, figures.PARITY):
        days = release.rows(figures.DAYS, figures.PARITY)
        if days.height:
            st.markdown(figures.parity_words(days.row(0, named=True)))
        elements.table(days, "parity")
        elements.source(release, figures.PARITY)
    st.markdown("**Positions**, by topic and partition")
    elements.table(release.rows(figures.POSITIONS, figures.STATUS), "positions")
    elements.source(release, figures.STATUS)


@st.fragment(run_every=REFRESH)
def panel() -> None:
    """The moving part: reads the manifest again on every refresh, and once only.

    With the page it shows the page's version. The stream's tables move without the version, so a
    refresh shows them at once; where the version moved too, the whole page is drawn again.
    """
    page = current()
    release = page if st.session_state.pop(WITH_PAGE, False) else open_release()
    if release.manifest.version != page.manifest.version:
        st.rerun()
    elements.begin()
    if not elements.present(release, figures.STATUS, figures.BARS):
        st.caption("The page reads the stream again every five seconds.")
        return
    now = datetime.now(UTC)
    seen = figures.pulse(release)
    words = figures.stall_words(now, seen)
    if words:
        st.info(words, icon=":material/pause_circle:")
    elements.cards(figures.cards(release, seen))
    _bank(release)
    _alerts(release)
    _accounting(release)
    st.caption(f"Read {now:%H:%M:%S} UTC, version {release.manifest.version}.")


st.session_state[WITH_PAGE] = True
panel()
