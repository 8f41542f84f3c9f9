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
def spark() -> Iterator[SparkSession]:
    """A local session on all threads of the machine."""
    running = session.start_session("local[*]")
    running.conf.set("spark.sql.shuffle.partitions", "2")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def frame(spark: SparkSession) -> Frame:
    """Turns a Polars frame into a Spark one."""
    return lambda rows: spark.createDataFrame(rows.to_arrow())


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
