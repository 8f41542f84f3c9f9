"""Metric assets through Dagster: red checks stop publication; a range equals its partitions."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import wraps
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import content_hash, publication
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.spark.catalogue import METRICS, Metric
from financial_pipeline_tests.spark.metric_assets import (
    dagster_home,
    materialize,
    publish_marts,
    rows_of,
    tables_by,
)

# Partition column -> two partitions, in files of two years where the tiny world has them.
PAIRS = {
    "issue_month": ("2012-12-01", "2013-01-01"),
    "vintage_quarter": ("2012-10-01", "2013-01-01"),
    "snapshot_month": ("2016-10-01", "2016-11-01"),
    "as_of_month": ("2016-11-01", "2016-12-01"),
    "session_date": ("2011-12-30", "2012-01-03"),
}
FAMILIES = pytest.mark.parametrize("partition", PAIRS)
CHECK = "equals_its_recomputation"


@pytest.fixture(autouse=True)
def _environment(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session of all tests is joined; what a run sets in the environment ends with the test."""
    for name in ("DAGSTER_HOME", "FINANCIAL_PIPELINE_DATA_ROOT"):
        monkeypatch.setenv(name, "")


@pytest.fixture(scope="module")
def ranges(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Iterator[Path]:
    """A data root with both partitions of every family, one range run per family."""
    root = tmp_path_factory.mktemp("ranges")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        patch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", "")
        publish_marts(root)
        for partition, (first, last) in PAIRS.items():
            done = materialize(root, *tables_by(partition), first=first, last=last)
            assert done.success, [
                event.step_failure_data for event in done.get_step_failure_events()
            ]
        yield root


def planted(metric: Metric, day: str) -> Metric:
    """The metric with its first ratio wrong by a hundred-thousandth in one partition."""
    table = metric.table
    number = next(name for name, column in table.columns.items() if column.role == "ratio")
    is_hit = F.col(table.partition) == F.lit(date.fromisoformat(day))

    @wraps(metric.function)
    def wrong(*arguments: object, **options: object) -> DataFrame:
        value = F.when(is_hit, F.col(number) * 1.00001).otherwise(F.col(number))
        return metric.function(*arguments, **options).withColumn(number, value)

    return replace(metric, function=wrong)


def red_partitions(root: Path, table: str) -> set[str]:
    key = dg.AssetCheckKey(dg.AssetKey(["metrics", table]), CHECK)
    with dagster_home(root) as instance:
        found = instance.event_log_storage.get_asset_check_partition_info([key])
    return {
        info.partition_key
        for info in found
        if info.partition_key and info.latest_execution_status.value == "FAILED"
    }


@FAMILIES
def test_planted_error_turns_its_partition_red_and_nothing_is_published(
    partition: str, ranges: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = PAIRS[partition]
    tables = tables_by(partition)
    before = read_manifest(Paths(ranges))
    for table in tables:
        monkeypatch.setitem(METRICS, table, planted(METRICS[table], last))
    done = materialize(ranges, *tables, first=first, last=last)
    assert not done.success
    evaluations = [one for one in done.get_asset_check_evaluations() if one.partition is None]
    assert {one.asset_key.path[1]: (one.passed, one.blocking) for one in evaluations} == {
        table: (False, True) for table in tables
    }
    assert {table: red_partitions(ranges, table) for table in tables} == {
        table: {last} for table in tables
    }
    publication.publish(Paths(ranges), ["test"], {})
    assert read_manifest(Paths(ranges)).tables == before.tables


def partition_hashes(root: Path, table: str) -> dict[str, str]:
    keys, column = METRIC_TABLES[table].keys, METRIC_TABLES[table].partition
    parts = rows_of(root, table).partition_by(column, as_dict=True)
    return {str(day): content_hash.hash_frame(rows, keys) for (day,), rows in parts.items()}


@FAMILIES
def test_range_equals_its_partitions_one_by_one_in_another_order(
    partition: str, ranges: Path, tmp_path: Path
) -> None:
    publish_marts(tmp_path)
    for day in reversed(PAIRS[partition]):
        assert materialize(tmp_path, *tables_by(partition), first=day, last=day).success
    for table in tables_by(partition):
        alone = partition_hashes(tmp_path, table)
        assert tuple(sorted(alone)) == PAIRS[partition]
        together = partition_hashes(ranges, table)
        # The tiny world has a price on a holiday between the two, which is no partition.
        assert alone == {day: together[day] for day in PAIRS[partition]}


def test_run_of_one_partition_leaves_every_other_partition_as_it_was(ranges: Path) -> None:
    first, last = PAIRS["issue_month"]
    key = "metrics/default_rates_by_grade"
    paths = Paths(ranges)
    before = read_manifest(paths).table(key)
    old = {path.name: path.stat() for path in parquet_files(paths, before)}
    assert materialize(ranges, "default_rates_by_grade", first=last, last=last).success
    after = read_manifest(paths).table(key)
    assert (after.folder != before.folder, after.content_hash) == (True, before.content_hash)
    new = {path.name: path.stat() for path in parquet_files(paths, after)}
    untouched, written = f"{first[:4]}.parquet", f"{last[:4]}.parquet"
    assert sorted(new) == sorted(old) == [untouched, written]
    assert new[untouched].st_ino == old[untouched].st_ino
    assert new[untouched].st_mtime_ns == old[untouched].st_mtime_ns
    # Equal rows give equal bytes, so the rewritten file is a link as well.
    assert new[written].st_ino == old[written].st_ino


def test_run_says_where_its_spark_ui_answers(ranges: Path, spark: SparkSession) -> None:
    with dagster_home(ranges) as instance:
        event = instance.get_latest_materialization_event(
            dg.AssetKey(["metrics", "default_rates_by_grade"])
        )
    assert event is not None
    assert event.asset_materialization is not None
    said = event.asset_materialization.metadata["spark_ui"].value
    assert said == spark.sparkContext.uiWebUrl
    assert str(said).startswith("http://127.0.0.1:")


# Table -> the column that dates its input, the mart, and the first and last date that matter.
READ: dict[str, tuple[str, str, str, str]] = {
    "default_rates_by_grade": ("fct_loans", "issue_month", "2012-12-01", "2013-01-01"),
    "vintage_curves": ("fct_loans", "issue_month", "2012-10-01", "2013-03-01"),
    "rating_transitions": (
        "fct_loan_performance_monthly",
        "performance_month",
        "2016-10-01",
        "2016-12-01",
    ),
    "rolling_volatility": ("fct_daily_prices", "session_date", "2010-12-01", "2012-01-03"),
}


@pytest.mark.parametrize("table", READ)
def test_rows_outside_the_range_and_its_look_back_do_not_matter(
    table: str, spark: SparkSession, marts: dict[str, DataFrame], ranges: Path
) -> None:
    mart, column, first, last = READ[table]
    metric = METRICS[table]
    days = [date.fromisoformat(day) for day in PAIRS[metric.table.partition]]
    is_read = F.col(column).between(F.lit(first), F.lit(last))
    kept = {mart: marts[mart].filter(is_read)}
    assert 0 < kept[mart].count() < marts[mart].count()
    rows = metric.compute(spark, kept, days[0], days[1], default_lag_months=5)
    ours = pl.DataFrame(pl.from_arrow(rows.toArrow()))
    keys = metric.table.keys
    assert content_hash.hash_frame(ours, keys) == content_hash.hash_frame(
        rows_of(ranges, table), keys
    )
