"""Downloads of all rows: of a selection, or of any published table."""

from collections.abc import Callable
from io import BytesIO
from typing import Final

import polars as pl
import streamlit as st

from financial_pipeline.dashboard import elements
from financial_pipeline.dashboard.data import Release
from financial_pipeline.dashboard.widgets import choose
from financial_pipeline.figures.csv_export import csv
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.views import SCHEMAS

NO_TABLE: Final = "choose a table"
ALL: Final = "all rows"
# A larger table is for the command line: a browser would hold it in memory.
MOST_CELLS: Final = 60_000_000


def buttons(name: str, count: int, read: Callable[[], pl.DataFrame]) -> None:
    """Draw the downloads of all rows; `read` is called when one of them is clicked."""
    forms: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "CSV": ("csv", "text/csv", lambda: csv(read())),
        "Parquet": ("parquet", "application/vnd.apache.parquet", lambda: parquet(read())),
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, (suffix, kind, content) in forms.items():
            key = f"all_{suffix}_{name}"
            elements.download(f"All {count:,} as {label}", content, f"{name}.{suffix}", kind, key)


def parquet(frame: pl.DataFrame) -> bytes:
    """Return the rows as a Parquet file."""
    content = BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def any_table(release: Release) -> None:
    """Draw the choice of a table and of rows in it, and their downloads."""
    st.header("Export a table", anchor=False)
    tables = [
        key
        for key, table in sorted(release.manifest.tables.items())
        if table.layer in SCHEMAS and parquet_files(release.paths, table)
    ]
    key = choose("Table", (NO_TABLE, *tables), "table", 300)
    if key != NO_TABLE:
        _selection(release, key)


def _selection(release: Release, key: str) -> None:
    types = dict(release.rows(f"describe {_view(key)}", key).select(pl.nth(0, 1)).rows())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = choose("Where", (ALL, *types), "column", 220)
        bounds = [
            st.text_input(
                label, key=name, bind="query-params", width=150, disabled=column == ALL
            ).strip()
            for label, name in (("is at least", "least"), ("and at most", "most"))
        ]
    values = {} if column == ALL else dict(zip(("least", "most"), bounds, strict=True))
    where = "" if column == ALL else _condition(column, types[column])
    if column != ALL and (wrong := _unreadable(release, key, types[column], bounds)):
        st.warning(f"{wrong} is no {types[column].lower()}, the type of {column}.")
        return
    query = f"from {_view(key)} {where}"
    count = int(release.rows(f"select count(*) as n {query}", key, **values)["n"][0])
    _downloads(release, key, f"select * {query}", values, count * len(types), count)


def _downloads(
    release: Release, key: str, query: str, values: dict[str, str], cells: int, count: int
) -> None:
    if not count:
        elements.empty("No row is in this selection.")
    elif cells > MOST_CELLS:
        st.info(
            f"These {count:,} rows are too many for a browser. Choose fewer, or run"
            f" `financial-pipeline sql -o {key.split('/')[1]}.parquet"
            f' "from {_view(key)}"`.',
            icon=":material/terminal:",
        )
    else:
        buttons(key.split("/")[1], count, lambda: release.all_rows(query, key, **values))
    elements.source(release, key)


def _view(key: str) -> str:
    layer, name = key.split("/")
    return f"{SCHEMAS[layer]}.{name}"


def _condition(column: str, kind: str) -> str:
    """Return the condition on a column of the table; the values of a reader are bound."""
    name = '"' + column.replace('"', '""') + '"'
    return (
        f"where ($least = '' or {name} >= try_cast($least as {kind}))"
        f" and ($most = '' or {name} <= try_cast($most as {kind}))"
    )


def _unreadable(release: Release, key: str, kind: str, bounds: list[str]) -> str:
    """Return the first bound that is no value of the type; empty if both are."""
    query = f"select try_cast($text as {kind}) is null as wrong from {_view(key)} limit 1"
    for bound in bounds:
        if bound:
            found = release.rows(query, key, text=bound)
            if found.height and found["wrong"][0]:
                return bound
    return ""
