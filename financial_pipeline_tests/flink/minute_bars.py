"""One-minute bars of JPM on 2019-03-19: the file to send, and the bars that are published."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files

HEADER = "datetime,open,high,low,close,volume"
MINUTE_US = 60_000_000


def write_bars(file: Path, hour: int, minutes: Iterable[int]) -> None:
    """Write the bars of these minutes of an hour in New York."""
    rows = [f"2019-03-19 {hour:02}:{minute}:00,100,101,99,100.5,1000" for minute in minutes]
    file.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")


def published_minutes(root: Path) -> list[int]:
    """The minutes of the published bars of a data root, each as often as it is there."""
    paths = Paths(root)
    table = read_manifest(paths).tables.get("stream/market_bars_1m")
    if table is None or not table.rows:
        return []
    starts = pl.read_parquet(parquet_files(paths, table))["window_start_us"].sort()
    return [start // MINUTE_US % 60 for start in starts]
