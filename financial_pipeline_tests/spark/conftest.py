"""One small Spark session for all tests, and the tiny world's marts on it."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import DataFrame, SparkSession

from financial_pipeline.spark import session
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline_tests.spark import tiny_world

Frame = Callable[[pl.DataFrame], DataFrame]
# The whole tiny world, and the as-of months whose matrix is worth computing.
RANGES = {
    "lending": (date(2009, 10, 1), date(2016, 12, 1)),
    "market": (date(2010, 1, 1), date(2012, 12, 31)),
    "macro": (date(2016, 12, 1), date(2016, 12, 1)),
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session on all threads of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_DIRS", str(tmp_path_factory.mktemp("spark")))
        running = session.start_session("local[*]")
    running.conf.set("spark.sql.shuffle.partitions", "2")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def frame(spark: SparkSession) -> Frame:
    """Turns a Polars frame into a Spark one, with the columns that a mart has besides."""
    return lambda rows: spark.createDataFrame(with_defaults(rows).to_arrow())


def with_defaults(rows: pl.DataFrame) -> pl.DataFrame:
    """Number the sessions of prices by their dates, and let values stay current."""
    if "adjusted_close" in rows.columns and "session_number" not in rows.columns:
        number = pl.col("session_date").rank("dense").cast(pl.Int64)
        rows = rows.with_columns(session_number=number)
    if "adjusted_close" in rows.columns and "scale_break" not in rows.columns:
        rows = rows.with_columns(scale_break=pl.lit(None, pl.String))
    if "realtime_start" in rows.columns and "realtime_end" not in rows.columns:
        rows = rows.with_columns(realtime_end=pl.lit(tiny_world.FOREVER))
    return rows


@pytest.fixture(scope="session")
def mart_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny world's marts as Parquet files."""
    folder = tmp_path_factory.mktemp("marts")
    files = {name: folder / f"{name}.parquet" for name in tiny_world.marts()}
    for name, rows in tiny_world.marts().items():
        rows.write_parquet(files[name])
    return files


@pytest.fixture(scope="session")
def marts(spark: SparkSession, mart_files: dict[str, Path]) -> dict[str, DataFrame]:
    """The tiny world's marts on Spark."""
    return {name: spark.read.parquet(str(path)) for name, path in mart_files.items()}


def collect(rows: DataFrame) -> pl.DataFrame:
    """A small Spark result as a Polars frame."""
    collected = pl.from_arrow(rows.toArrow())
    assert isinstance(collected, pl.DataFrame)
    return collected


@pytest.fixture(scope="session")
def metric_rows(spark: SparkSession, marts: dict[str, DataFrame]) -> Callable[[str], pl.DataFrame]:
    """Each metric of the tiny world, computed once."""

    @cache
    def rows(name: str) -> pl.DataFrame:
        metric = METRICS[name]
        first, last = RANGES[metric.table.domain]
        return collect(metric.compute(spark, marts, first, last, default_lag_months=tiny_world.LAG))

    return rows
