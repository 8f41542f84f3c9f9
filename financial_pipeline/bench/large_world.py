"""A published version with as many scored loans as a measurement asks for.

Every table of a finished run is taken as it is, except the loans and their scores: those are drawn
from it with replacement, under new keys, so that all columns, types and shares stay real. Where the
run had no stream, the stream tables are drawn in the form of their contract.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import Manifest, PublishedTable, read_manifest
from financial_pipeline.publishing.partition_files import COMPRESSION
from financial_pipeline.publishing.publication import Publication, publish
from financial_pipeline.publishing.table_files import parquet_files, synced
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.stream_tables import STREAM_TABLES

LOANS: Final = "exports/fct_loans"
SCORES: Final = "ml/scores"
STATUS: Final = "stream/status"
ARTIFACTS: Final = "ml/artifacts"
SYMBOLS: Final = ("BAC", "C", "GS", "JPM", "WFC")
SESSIONS: Final = 10
SESSION_BARS: Final = 390
MINUTE_US: Final = 60_000_000
# 09:30 in New York in summer, UTC.
OPENING: Final = timedelta(hours=13, minutes=30)


def enlarged(source: Paths, target: Path, loans: int, seed: int) -> Paths:
    """Publish below `target` what `source` publishes, with so many loans and their scores.

    Both folders are on one file system. Raises PipelineError if nothing is published.
    """
    manifest, paths = read_manifest(source), Paths(target)
    publication = Publication(paths, "drawn")
    for key, table in manifest.tables.items():
        if key not in {LOANS, SCORES}:
            _link(source, paths, table.folder)
            publication.register(table)
    if (source.data_root / ARTIFACTS).exists():
        _link(source, paths, ARTIFACTS)
    _draw_loans(source, paths, manifest, loans, seed)
    if STATUS not in manifest.tables:
        _draw_stream(paths, seed)
    publish(paths, [publication.run], manifest.world | {"loans": loans})
    return paths


def _link(source: Paths, target: Paths, folder: str) -> None:
    shutil.copytree(source.data_root / folder, target.data_root / folder, copy_function=os.link)


def _read(source: Paths, table: PublishedTable) -> pl.DataFrame:
    return pl.read_parquet(parquet_files(source, table))


def _draw_loans(source: Paths, target: Paths, manifest: Manifest, loans: int, seed: int) -> None:
    """The loans and, if the source has them, their scores at every cut-off."""
    rows = _read(source, manifest.table(LOANS))
    drawn = rows.sample(loans, with_replacement=True, seed=seed)
    keys = drawn.select(pl.col("loan_key").alias("drawn")).with_row_index("loan_key", offset=1)
    keys = keys.cast({"loan_key": rows.schema["loan_key"]})
    text = pl.col("loan_key").cast(pl.String).alias("loan_id")
    renamed = drawn.with_columns(keys["loan_key"]).with_columns(text)
    _write(target, manifest.table(LOANS), {"fct_loans": renamed})
    if SCORES in manifest.tables:
        scores = _read(source, manifest.table(SCORES)).rename({"loan_key": "drawn"})
        joined = keys.join(scores, on="drawn").drop("drawn").select(_with_new_key(scores))
        cutoffs = joined.partition_by("training_cutoff", as_dict=True)
        parts = {str(cutoff): part.sort("loan_key") for (cutoff,), part in cutoffs.items()}
        _write(target, manifest.table(SCORES), parts)


def _with_new_key(scores: pl.DataFrame) -> list[str]:
    """The columns of the scores in their order, with the new key in the place of the old."""
    return ["loan_key" if name == "drawn" else name for name in scores.columns]


def _write(target: Paths, table: PublishedTable, parts: Mapping[str, pl.DataFrame]) -> None:
    folder = target.data_root / table.folder
    folder.mkdir(parents=True)
    for name, part in parts.items():
        part.write_parquet(folder / f"{name}.parquet", compression=COMPRESSION)
    count = sum(part.height for part in parts.values())
    hashes, now = synced(folder), datetime.now(UTC).isoformat()
    drawn = replace(table, rows=count, files=hashes, built_at=now)
    Publication(target, "drawn").register(drawn)


def _draw_stream(paths: Paths, seed: int) -> None:
    """Ten sessions of bars of five banks, an indicator each, and a few of all else."""
    random = np.random.default_rng(seed)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=back) for back in range(SESSIONS, 0, -1)]
    bars = pl.concat([_bars(random, symbol, day) for symbol in SYMBOLS for day in days])
    now = datetime.now(UTC).replace(tzinfo=None)
    some = bars.sample(min(60, bars.height), seed=seed)
    position = {"topic": "market_bars_1m", "partition": 0, "lag": 3, "engine": "drawn"}
    times = {"watermark_at": now - timedelta(seconds=20), "observed_at": now}
    days_compared = [
        {"session_date": day.date(), "bars_compared": SESSION_BARS, "bars_differing": 0}
        | {"passed": True, "engine": "drawn"}
        for day in days
    ]
    frames = {
        "market_bars_1m": bars,
        "market_indicators_1m": bars,
        "market_alerts": some.with_columns(
            alert_id=pl.col("symbol") + pl.col("window_start_us").cast(pl.String),
            rule=pl.lit("return_zscore"),
            severity=pl.lit("warning"),
            zscore=pl.lit(4.5),
        ),
        "late_messages": some.with_columns(reason=pl.lit("behind_its_producer")),
        "dead_letters": some.with_columns(reason=pl.lit("bad_price")),
        "parity": pl.DataFrame(days_compared),
        "status": pl.DataFrame([position | times]),
    }
    for name, frame in frames.items():
        _write_stream(paths, name, frame, days[-1].date())


def _bars(random: np.random.Generator, symbol: str, day: datetime) -> pl.DataFrame:
    start = int((day + OPENING).timestamp()) * 1_000_000
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.0005, SESSION_BARS)))
    scores = random.normal(size=(2, SESSION_BARS))
    return pl.DataFrame(
        {
            "window_start_us": start + MINUTE_US * np.arange(SESSION_BARS),
            "open": close,
            "high": close * 1.001,
            "low": close * 0.999,
            "close": close,
            "vwap": close,
            "volume": random.integers(100, 10_000, SESSION_BARS),
            "return_zscore": scores[0],
            "volume_zscore": scores[1],
            "rolling_volatility": np.abs(scores[0]) / 1000,
            "realised_variance": np.cumsum(scores[0] ** 2) / 1e6,
        }
    ).with_columns(symbol=pl.lit(symbol), session_date=pl.lit(day.date()), message_count=pl.lit(60))


def _write_stream(paths: Paths, name: str, frame: pl.DataFrame, newest: date) -> None:
    schema = STREAM_TABLES[name].columns
    whole = frame.select(
        (pl.col(column) if column in frame.columns else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in schema.items()
    )
    table = write_table(paths, STREAM_TABLES[name], whole)
    Publication(paths, "drawn").register(replace(table, as_of=newest.isoformat()))
