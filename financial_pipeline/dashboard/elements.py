"""Parts of every page: cards, sources, downloads, and notices of missing data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from financial_pipeline.dashboard import table_columns
from financial_pipeline.dashboard.data import Release
from financial_pipeline.figures.csv_export import csv
from financial_pipeline.publishing.table_files import describe_damage

# More cards than this are shown in two rows of equal length.
CARDS_IN_A_ROW: Final = 6
CARD_WIDTH: Final = 155
# Fewer points do not show a trend.
LEAST_HISTORY: Final = 3
# Notices that this run has shown.
NOTICES: Final = "notices"
TABLE_ROWS: Final = 1000
NOTHING: Final = "–"


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


def cards(rows: Sequence[Card]) -> None:
    """Draw figures in a grid, two in a row on a narrow page."""
    columns = len(rows) if len(rows) <= CARDS_IN_A_ROW else -(-len(rows) // 2)
    grid = st.grid(max(columns, 4), min_column_width=CARD_WIDTH, border=True)
    for card in rows:
        with grid.cell(), st.container(gap="xxsmall"):
            _metric(card)
            # Two dollar signs would make a formula of the words between them.
            st.caption(card.note.replace(" · ", "  \n").replace("$", "\\$"))


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
    missing = explain_absent(release, *keys)
    if missing:
        _once(missing, ":material/rocket_launch:")
    return not missing


def begin() -> None:
    """Forget the notices of the run before, so that each is shown once in this one."""
    st.session_state[NOTICES] = set()


def _once(words: str, icon: str) -> None:
    """Show a notice, or that it is above if this run has shown it."""
    shown = st.session_state.setdefault(NOTICES, set())
    if words in shown:
        st.caption("Nothing to show here yet: see the notice above.")
    else:
        shown.add(words)
        st.info(words, icon=icon)


def explain_absent(release: Release, *keys: str) -> str:
    """Name tables that are damaged or not published, and how to build them; empty if none is."""
    missing = release.missing(*keys)
    if not missing:
        return ""
    tables = release.manifest.tables
    if lost := [describe_damage(tables[key]) for key in missing if key in tables]:
        return " ".join(lost)
    verb = "is" if len(missing) == 1 else "are"
    return (
        f"Nothing to show here yet: {', '.join(missing)} {verb} not published."
        f" {release.how_to_build(*missing)}"
    )


def has_rows(release: Release, *keys: str) -> bool:
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


def absent(reason: str) -> None:
    """Show why there is no data, whatever the selection."""
    st.info(reason, icon=":material/hourglass_empty:")


def empty(reason: str) -> None:
    """Show why a selection has no data."""
    st.info(f"{reason} Choose another selection.", icon=":material/filter_alt_off:")


def download(
    label: str, content: Callable[[], str | bytes], file: str, kind: str, key: str
) -> None:
    """Draw a button that makes and saves a file when it is clicked."""
    icon = ":material/download:"
    st.download_button(label, content, file, kind, key=key, icon=icon, on_click="ignore")


def table(
    frame: pl.DataFrame,
    name: str,
    *,
    height: int | None = None,
    links: Mapping[str, ColumnConfig] | None = None,
) -> None:
    """Draw rows with a CSV download; `links` configures columns of addresses."""
    shown = table_columns.in_plain_words(frame.head(TABLE_ROWS))
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
        download("CSV", lambda: csv(frame), f"{name}.csv", "text/csv", f"csv_{name}")
        st.caption(f"{format_count(frame.height, 'row')}.{cut}")


def rows_behind(frame: pl.DataFrame, name: str, label: str = "Rows behind this") -> None:
    """Draw the rows of a chart in a closed expander."""
    with st.expander(label, icon=":material/table_rows:"):
        table(frame, name)


def percent(value: float | None, digits: int = 1) -> str:
    """Format a fraction as per cent."""
    return NOTHING if value is None else f"{value:.{digits}%}"


def format_count(count: int, one: str, many: str = "") -> str:
    """Format a count with its noun: `1 loan`, `2,000 loans`; `many` is a plural without an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def points(change: float, digits: int) -> str:
    """Format a change in percentage points; a plain 0 has no arrow on a card."""
    rounded = round(change, digits)
    return f"{rounded:+.{digits}f} pp" if rounded else "0"


def number(value: float | None, digits: int = 2) -> str:
    """Format a plain number."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def dollars(value: float | None) -> str:
    """Format dollars, in thousands, millions or billions if that is shorter: `$10.01M`."""
    if value is None:
        return NOTHING
    sign = "−" if value < 0 else ""
    size = abs(value)
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if size >= unit:
            return f"{sign}${size / unit:,.2f}{name}"
    return f"{sign}${size:,.0f}"
