"""Bars and alerts as staging files, one per trading day, and the comparison that they come from."""

from collections.abc import Collection, Sequence
from datetime import date, time
from pathlib import Path

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import write_partitions
from financial_pipeline.schemas.staging import MARKET_ALERTS, MARKET_BARS
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming.parity import COMPARED, ROWS, Parity
from financial_pipeline.streaming.trading_days import EXCHANGE_ZONE

SCHEMAS = {"market_bars": MARKET_BARS, "market_alerts": MARKET_ALERTS}
# Regular trading hours in New York; early closes are not told apart.
OPENS, CLOSES = time(9, 30), time(16, 0)


def stage(
    paths: Paths, dataset: str, rows: pl.DataFrame, keys: Sequence[str], faults: Collection[str]
) -> int:
    """Write the trading days `keys` (ISO) except the faulty ones; return the rows written."""
    local = (
        pl.col("window_start_at").dt.replace_time_zone("UTC").dt.convert_time_zone(EXCHANGE_ZONE)
    )
    frame = rows.with_columns(
        is_regular_hours=local.dt.time().is_between(OPENS, CLOSES, closed="left"),
        is_synthetic=pl.col("source").eq("simulated").fill_null(False),
    ).select(SCHEMAS[dataset].keys())
    days = [date.fromisoformat(key) for key in keys if key not in faults]
    written = write_partitions(frame, pl.col("session_date"), paths.staging(dataset), days)
    return sum(written.values())


def _folder(paths: Paths, table: str) -> Path:
    return paths.staging("market_parity") / table


def write_comparison(paths: Paths, found: Parity, keys: Sequence[str]) -> None:
    """Keep a comparison of these trading days, so that it is computed once per run."""
    days = [date.fromisoformat(key) for key in keys]
    frames = (found.rows, found.bars, found.indicators, found.alerts)
    for table, frame in zip(("parity", *COMPARED), frames, strict=True):
        write_partitions(frame, pl.col("session_date"), _folder(paths, table), days)


def read_comparison(paths: Paths, keys: Sequence[str]) -> Parity:
    """Return the comparison of these trading days; days that were not compared have no rows."""
    frames = []
    for table in ("parity", *COMPARED):
        schema = pl.Schema(ROWS if table == "parity" else STREAM_TABLES[table].columns)
        files = [_folder(paths, table) / f"{key}.parquet" for key in keys]
        found = [pl.read_parquet(file).cast(schema) for file in files if file.exists()]
        frames.append(pl.concat([schema.to_frame(), *found]))
    return Parity(*frames)
