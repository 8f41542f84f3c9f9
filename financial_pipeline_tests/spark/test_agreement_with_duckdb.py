"""Every metric equals its recomputation by DuckDB, and the comparison notices a planted error."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from financial_pipeline.crosscheck.agreement import Agreement, compare
from financial_pipeline.crosscheck.recompute import recompute
from financial_pipeline.schemas.contract import MetricTable
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.spark import macro_correlations
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline_tests.spark import tiny_world
from financial_pipeline_tests.spark.conftest import RANGES, collect

Rows = Callable[[str], pl.DataFrame]
TABLES = list(METRIC_TABLES.values())
# Just above what each role allows.
FACTORS = {"integer": None, "sum": 1 + 1e-8, "ratio": 1 + 1e-5}


@pytest.fixture(scope="module")
def recomputed(mart_files: dict[str, Path]) -> Rows:
    found: dict[str, pl.DataFrame] = {}

    def rows(name: str) -> pl.DataFrame:
        if name not in found:
            metric = METRICS[name]
            inputs = {mart: [mart_files[mart]] for mart in metric.inputs}
            first, last = RANGES[metric.table.domain]
            found[name] = recompute(
                metric.table, inputs, first, last, default_lag_months=tiny_world.LAG
            )
        return found[name]

    return rows


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_metric_equals_its_recomputation(
    table: MetricTable, metric_rows: Rows, recomputed: Rows
) -> None:
    ours = metric_rows(table.name)
    agreement = compare(table, ours, recomputed(table.name))
    assert agreement.holds, agreement
    assert agreement.rows == ours.height > 0
    for name in table.columns:
        assert ours[name].null_count() < ours.height, f"{name} is never there"


def planted(rows: pl.DataFrame, table: MetricTable, name: str) -> pl.DataFrame:
    """The table with one value of a column wrong by little more than its role allows."""
    place = rows.with_row_index().filter(pl.col(name).cast(pl.Float64).abs() > 1e-6)["index"][0]
    factor = FACTORS[table.columns[name].role]
    value = pl.col(name).cast(pl.Float64)
    wrong = value + 1 if factor is None else value * factor
    chosen = pl.int_range(pl.len()) == place
    # As doubles, because a cent on a million dollars is already too much for a sum.
    return rows.with_columns(pl.when(chosen).then(wrong).otherwise(value).alias(name))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_comparison_fails_on_a_planted_error_in_any_number(
    table: MetricTable, metric_rows: Rows, recomputed: Rows
) -> None:
    ours, theirs = metric_rows(table.name), recomputed(table.name)
    numbers = [name for name, column in table.columns.items() if column.role in FACTORS]
    caught: dict[str, Agreement] = {}
    for name in numbers:
        rows = planted(ours, table, name)
        if table.columns[name].role == "integer":
            rows = rows.with_columns(pl.col(name).cast(pl.Int64))
        caught[name] = compare(table, rows, theirs)
    for name, agreement in caught.items():
        assert agreement.disagreements == {name: 1}
        assert len(agreement.failed_partitions) == 1


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_comparison_fails_on_a_missing_an_extra_and_a_null_row(
    table: MetricTable, metric_rows: Rows, recomputed: Rows
) -> None:
    ours, theirs = metric_rows(table.name), recomputed(table.name)
    assert compare(table, ours[1:], theirs).missing_rows == 1
    assert compare(table, ours, theirs[1:]).extra_rows == 1
    number = next(name for name, column in table.columns.items() if column.role == "ratio")
    place = ours.with_row_index().filter(pl.col(number).is_not_null())["index"][0]
    emptied = ours.with_columns(pl.when(pl.int_range(pl.len()) != place).then(number).alias(number))
    assert compare(table, emptied, theirs).disagreements == {number: 1}


def test_comparison_fails_a_join_that_looks_ahead(
    monkeypatch: pytest.MonkeyPatch,
    spark: SparkSession,
    marts: dict[str, DataFrame],
    recomputed: Rows,
) -> None:
    known = macro_correlations.lagged_as_known

    def revised(vintages: DataFrame) -> DataFrame:
        latest = vintages.filter("realtime_end = date '9999-12-31'")
        return known(latest.withColumn("realtime_start", F.col("observation_date")))

    monkeypatch.setattr(macro_correlations, "lagged_as_known", revised)
    metric = METRICS["macro_correlations"]
    first, last = RANGES["macro"]
    looked = collect(metric.compute(spark, marts, first, last, default_lag_months=tiny_world.LAG))
    agreement = compare(metric.table, looked, recomputed("macro_correlations"))
    assert agreement.disagreements["correlation"] > 0
    assert agreement.failed_partitions
