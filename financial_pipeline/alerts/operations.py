"""The operations tables as published Parquet: rows are added, and the manifest moves by rename.

They stand in a manifest of their own, because they also move when a run failed and nothing that
people compute with may change.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import published
from financial_pipeline.publishing.content_hash import hash_frame
from financial_pipeline.publishing.partition_files import write_partition
from financial_pipeline.publishing.published import PublishedTable, new_version
from financial_pipeline.schemas.operations import OPERATIONS

LAYER: Final = "operations"

Rows = Sequence[Mapping[str, Any]]


def read(paths: Paths, name: str) -> pl.DataFrame:
    """The rows of an operations table in contract order; empty where nothing was recorded."""
    columns = OPERATIONS[name].columns
    table = published.operations_tables(paths).get(f"{LAYER}/{name}")
    if table is None:
        return pl.DataFrame(schema=columns)
    return pl.read_parquet(published.parquet_files(paths, table)).select(columns.keys())


def add(paths: Paths, name: str, rows: Rows) -> None:
    """Add rows to a table; a row whose key is there already replaces the old one."""
    contract = OPERATIONS[name]
    fresh = pl.DataFrame(rows, schema=dict(contract.columns), orient="row")
    both = pl.concat([read(paths, name), fresh])
    kept = both.unique(contract.keys, keep="last", maintain_order=True)
    replace(paths, name, kept)


def replace(paths: Paths, name: str, rows: pl.DataFrame) -> None:
    """Make these the rows of a table, where they differ from what is there."""
    contract = OPERATIONS[name]
    ordered = rows.sort(contract.time, *contract.keys, nulls_last=True)
    if ordered.equals(read(paths, name)) and f"{LAYER}/{name}" in published.operations_tables(
        paths
    ):
        return
    folder = paths.published_folder(LAYER, name, new_version())
    write_partition(ordered, folder, name)
    table = PublishedTable(
        layer=LAYER,
        name=name,
        folder=folder.relative_to(paths.data_root).as_posix(),
        rows=ordered.height,
        content_hash=hash_frame(ordered, list(contract.keys)),
    )
    published.publish_operations(paths, table)
