"""The operations tables as published Parquet, in a channel of their own.

They also move when a run failed and nothing that people compute with may change.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable, channel_tables, publish_tables
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.operations import OPERATIONS

CHANNEL: Final = "operations"

Rows = Sequence[Mapping[str, Any]]


def read(paths: Paths, name: str) -> pl.DataFrame:
    """Return the rows of an operations table in contract order; empty if nothing was recorded.

    A damaged table is empty too: runs that Dagster still has are recorded again.
    """
    contract = OPERATIONS[name]
    if files := _files(paths, contract.key):
        return pl.read_parquet(files).select(contract.columns.keys())
    return pl.DataFrame(schema=contract.columns)


def _files(paths: Paths, key: str) -> list[Path]:
    table = channel_tables(paths, CHANNEL).get(key)
    return parquet_files(paths, table) if table else []


def add(paths: Paths, name: str, rows: Rows) -> PublishedTable | None:
    """Add rows to a table; a row replaces an earlier row of the same key. See `replace`."""
    contract = OPERATIONS[name]
    fresh = pl.DataFrame(rows, schema=dict(contract.columns), orient="row")
    both = pl.concat([read(paths, name), fresh])
    return replace(paths, name, both.unique(contract.keys, keep="last", maintain_order=True))


def replace(paths: Paths, name: str, rows: pl.DataFrame) -> PublishedTable | None:
    """Make these the rows of a table; return the new version, None if the rows are the same."""
    contract = OPERATIONS[name]
    order = [*(contract.order or ()), *contract.keys]
    same = rows.sort(order, nulls_last=True).equals(read(paths, name))
    if same and _files(paths, contract.key):
        return None
    table = write_table(paths, contract, rows)
    publish_tables(paths, CHANNEL, [table], {})
    return table
