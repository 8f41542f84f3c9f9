"""The operations tables as published Parquet, in a channel of their own.

They also move when a run failed and nothing that people compute with may change.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import (
    PublishedTable,
    channel_tables,
    parquet_files,
    publish_tables,
)
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.operations import OPERATIONS

CHANNEL: Final = "operations"

Rows = Sequence[Mapping[str, Any]]


def read(paths: Paths, name: str) -> pl.DataFrame:
    """Return the rows of an operations table in contract order; empty if nothing was recorded."""
    contract = OPERATIONS[name]
    table = channel_tables(paths, CHANNEL).get(contract.key)
    if table is None:
        return pl.DataFrame(schema=contract.columns)
    return pl.read_parquet(parquet_files(paths, table)).select(contract.columns.keys())


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
    if same and contract.key in channel_tables(paths, CHANNEL):
        return None
    table = write_table(paths, contract, rows)
    publish_tables(paths, CHANNEL, [table], {})
    return table
