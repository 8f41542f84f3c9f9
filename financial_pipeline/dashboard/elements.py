"""Parts of every page: header, cards, sources, downloads, and notices of missing data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from financial_pipeline.dashboard import table_columns
from financial_pipeline.dashboard.data import Release, age_days
from financial_pipeline.figures import synthetic
from financial_pipeline.figures.csv_export import csv

# More cards than this are shown in two rows of equal length.
CARDS_IN_A_ROW: Final = 6
CARD_WIDTH: Final = 155
# Fewer points are no trend to draw.
LEAST_HISTORY: Final = 3
# Days after which a source is called old, by the rhythm it arrives in.
OLD_AFTER: Final = {
    "exports/fct_loans": 62,
    "exports/fct_daily_prices": 5,
    "exports/fct_macro_observations": 45,
}
TABLE_ROWS: Final = 1000
NOTHING: Final = "–"
# Streamlit leaves six lines free above the title, and cuts the labels of narrow cards.
STYLE: Final = """<style>
.stMainBlockContainer {padding-top: 3.6rem; padding-bottom: 3rem}
[data-testid=stMetricLabel] *, [data-testid=stMetricDelta] * {white-space: normal !important}
[data-testid=stMetricDelta] {flex-wrap: wrap; max-width: 100%}
:has(> [data-testid=stMetricDeltaDescription]) {flex-wrap: wrap}
[data-testid=stMetricDeltaDescription], [data-testid=stMetricDeltaDescription] * {
white-space: normal !important; overflow: visible !important; text-overflow: clip !important}
</style>"""


@dataclass(frozen=True)
class Card:
    """One figure: its text, count, date and change."""

    label: str
    value: str
    # Count, interval and as-of date, in small print below.
    note: str
    # The definition, shown on hover.
    meaning: str
    delta: str | None = None
    # Whether a rise is bad news.
    rise_is_bad: bool | None = None
    since: str | None = None
    history: Sequence[float] = ()


def header(release: Release, title: str) -> None:
    """Draw the title, the banner of the simulated world, and a warning about old data."""
    st.html(STYLE)
    st.title(title, anchor=False)
    world = release.manifest.world
    if release.is_synthetic:
        st.warning(
            f"**Simulated data**: {int(str(world['loans'])):,} loans drawn with seed"
            f" {world['seed']}; its clock is at {world['clock']}. No figure describes a real"
            " borrower or bank.",
            icon=":material/science:",
        )
    elif counts := release.synthetic_rows():
        st.warning(
            f"**{synthetic.sentence(counts)}** Figures computed from these rows describe no real"
            " borrower or bank.",
            icon=":material/science:",
        )
    minutes = int((datetime.now(UTC) - release.published_at).total_seconds() // 60)
    st.caption(
        f"Published {release.published_at:%Y-%m-%d %H:%M} UTC ({_ago(minutes)}) ·"
        f" version {release.manifest.version}"
    )
    old = [
        f"{key.split('/')[1]} by {days:,} days"
        for key, limit in OLD_AFTER.items()
        if not release.missing(key) and (days := age_days(release, key) or 0) > limit
    ]
    if old:
        st.warning(
            f"Old data: {', '.join(old)} behind {release.today}.", icon=":material/schedule:"
        )


def _ago(minutes: int) -> str:
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def cards(rows: Sequence[Card]) -> None:
    """Draw figures in a grid, two in a row on a narrow page."""
    columns = len(rows) if len(rows) <= CARDS_IN_A_ROW else -(-len(rows) // 2)
    grid = st.grid(max(columns, 4), min_column_width=CARD_WIDTH, border=True)
    for card in rows:
        with grid.cell(), st.container(gap="xxsmall"):
            _metric(card)
            st.caption(card.note.replace(" · ", "  \n"))


def _metric(card: Card) -> None:
    colour = {None: "off", True: "inverse", False: "normal"}[card.rise_is_bad]
    st.metric(
        card.label,
        card.value,
        card.delta,
        delta_color=colour,  # type: ignore[arg-type]
        delta_description=card.since if card.delta else None,
        help=card.meaning,
        chart_data=list(card.history) if len(card.history) >= LEAST_HISTORY else None,
    )


def present(release: Release, *keys: str) -> bool:
    """Return whether all tables are published; if not, show the commands that build them."""
    missing = unpublished(release, *keys)
    if missing:
        st.info(missing, icon=":material/rocket_launch:")
    return not missing


def unpublished(release: Release, *keys: str) -> str:
    """Name the tables that are not published, and how to build them; empty if there are none."""
    missing = release.missing(*keys)
    if not missing:
        return ""
    verb = "is" if len(missing) == 1 else "are"
    return (
        f"Nothing to show here yet: {', '.join(missing)} {verb} not published."
        f" {release.how_to_build(*missing)}"
    )


def filled(release: Release, *keys: str) -> bool:
    """Return whether all tables are published and have rows; if not, show why."""
    if not present(release, *keys):
        return False
    bare = without_rows(release, *keys)
    if bare:
        st.info(bare, icon=":material/hourglass_empty:")
    return not bare


def without_rows(release: Release, *keys: str) -> str:
    """Name the tables that have no rows; empty if there are none."""
    bare = [key for key in keys if not release.table(key).rows]
    have = "has no rows" if len(bare) == 1 else "have no rows"
    return f"Nothing to show here yet: {', '.join(bare)} {have}." if bare else ""


def source(release: Release, *keys: str, note: str = "") -> None:
    """Name the tables of the figures above, and the newest date in each."""
    st.caption(source_words(release, *keys, note=note))


def source_words(release: Release, *keys: str, note: str = "") -> str:
    """Return the source line: each table with its newest date, and a note."""
    parts = []
    for key in keys:
        as_of = release.table(key).as_of
        parts.append(f"`{key}`" + (f" as of {as_of[:10]}" if as_of else ""))
    return f"Source: {', '.join(parts)}. {note}".strip()


def missing_input(release: Release, figure: str, *series: str) -> None:
    """Name the FRED series that a figure needs: one of them, and the command that reads it."""
    drop = f"{' or '.join(series)}: drop {series[0]}.csv"
    needs(release, figure, drop, "exports/fct_macro_observations")


def needs(release: Release, figure: str, input_: str, key: str) -> None:
    """Name the input that a figure needs, and the command that builds its table."""
    st.info(f"{figure} needs {input_}. {release.how_to_build(key)}", icon=":material/upload_file:")


def empty(reason: str) -> None:
    """Show why a selection has no data."""
    st.info(f"{reason} Choose another selection.", icon=":material/filter_alt_off:")


def table(
    frame: pl.DataFrame,
    name: str,
    *,
    height: int | None = None,
    links: Mapping[str, ColumnConfig] | None = None,
) -> None:
    """Draw rows with a CSV download; `links` configures columns of addresses."""
    shown = frame.head(TABLE_ROWS)
    st.dataframe(
        shown.to_arrow(),  # A Polars frame would be converted by way of pandas.
        hide_index=True,
        height=height or "auto",
        key=f"table_{name}",
        column_config={**table_columns.configuration(shown), **(links or {})},
        placeholder=NOTHING,
    )
    cut = f" The first {TABLE_ROWS:,} are shown." if frame.height > TABLE_ROWS else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "CSV",
            lambda: csv(frame),
            f"{name}.csv",
            "text/csv",
            key=f"csv_{name}",
            icon=":material/download:",
            on_click="ignore",
        )
        st.caption(f"{frame.height:,} {'row' if frame.height == 1 else 'rows'}.{cut}")


def rows_behind(frame: pl.DataFrame, name: str, label: str = "Rows behind this") -> None:
    """Draw the rows of a chart in a closed expander."""
    with st.expander(label, icon=":material/table_rows:"):
        table(frame, name)


def percent(value: float | None, digits: int = 1) -> str:
    """Format a fraction as per cent."""
    return NOTHING if value is None else f"{value:.{digits}%}"


def points(change: float, digits: int) -> str:
    """Format a change in percentage points; a plain 0 has no arrow on a card."""
    rounded = round(change, digits)
    return f"{rounded:+.{digits}f} pp" if rounded else "0"


def number(value: float | None, digits: int = 2) -> str:
    """Format a plain number."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def dollars(value: float | None) -> str:
    """Format dollars, in thousands, millions or billions if that is shorter."""
    if value is None:
        return NOTHING
    sign = "−" if value < 0 else ""
    size = abs(value)
    for unit, name in ((1e9, " bn"), (1e6, " m"), (1e3, " k")):
        if size >= unit:
            return f"{sign}${size / unit:,.2f}{name}"
    return f"{sign}${size:,.0f}"
