"""Bars and alerts as staging files, one per trading day."""

from collections.abc import Collection, Sequence
from datetime import date, time

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import write_partitions
from financial_pipeline.schemas.staging import MARKET_ALERTS, MARKET_BARS
from financial_pipeline.streaming.trading_days import EXCHANGE_ZONE

SCHEMAS = {"market_bars": MARKET_BARS, "market_alerts": MARKET_ALERTS}
# Regular trading hours in New York; early closes are not told apart.
OPENS, CLOSES = time(9, 30), time(16, 0)


def stage(
    paths: Paths, dataset: str, rows: pl.DataFrame, keys: Sequence[str], faults: Collection[str]
) -> int:
    """Write the trading days `keys` (ISO) except the faulty ones; returns the rows written."""
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
