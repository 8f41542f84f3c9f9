"""Tables of one value, published and read on the machines of a bucket."""

from collections.abc import Callable

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import Channel, publish_tables, read_version
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.versions import KEEP_30, Retention
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

WORLD = {"source": "simulated", "is_synthetic": True}
LOANS = "exports/fct_loans"
# The working copy of a machine by its name, brought up to date.
Machine = Callable[[str], Paths]


def published(
    paths: Paths,
    value: int,
    key: str = LOANS,
    channel: Channel = "batch",
    retention: Retention = KEEP_30,
) -> None:
    layer, name = key.split("/")
    contract: Table[pl.DataType] = Table(layer, name, "One row.", ("x",))
    table = write_table(paths, contract, pl.DataFrame({"x": [value]}))
    publish_tables(paths, channel, [table], WORLD, retention=retention)


def value_of(paths: Paths, key: str = LOANS, version: str | None = None) -> int:
    return int(
        pl.read_parquet(parquet_files(paths, read_version(paths, version).table(key))).item()
    )
