"""A range of partitions equals its partitions one by one, and a contract is a contract."""

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest
from pyspark.sql import DataFrame, SparkSession

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.contract import MetricTable
from financial_pipeline.schemas.metrics import METRIC_TABLES
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline_tests.spark import tiny_world
from financial_pipeline_tests.spark.conftest import collect

Marts = dict[str, DataFrame]
# A partition in the middle: after a missed session, across a quarter, with two snapshots.
PARTITIONS = {
    "issue_month": date(2012, 3, 1),
    "vintage_quarter": date(2012, 4, 1),
    "snapshot_month": date(2016, 10, 1),
    "session_date": date(2011, 10, 5),
    "as_of_month": date(2016, 12, 1),
}


def computed(name: str, spark: SparkSession, marts: Marts, day: date) -> pl.DataFrame:
    metric = METRICS[name]
    rows = metric.compute(spark, marts, day, day, default_lag_months=tiny_world.LAG)
    return collect(rows).sort(metric.table.keys)


@pytest.mark.parametrize(
    "table",
    [table for table in METRIC_TABLES.values() if table.partition != "as_of_month"],
    ids=lambda table: table.name,
)
def test_one_partition_alone_equals_its_rows_in_a_range(
    table: MetricTable,
    spark: SparkSession,
    marts: Marts,
    metric_rows: Callable[[str], pl.DataFrame],
) -> None:
    day = PARTITIONS[table.partition]
    alone = computed(table.name, spark, marts, day)
    whole = metric_rows(table.name).filter(pl.col(table.partition) == day).sort(table.keys)
    assert alone.height > 0
    assert alone.equals(whole)


def test_metric_columns_follow_the_contract(metric_rows: Callable[[str], pl.DataFrame]) -> None:
    for name, table in METRIC_TABLES.items():
        rows = metric_rows(name)
        assert rows.columns == list(table.columns)
        assert rows.select(table.keys).is_duplicated().sum() == 0
        assert sum(rows.select(table.keys).null_count().row(0)) == 0


def test_metric_names_the_columns_that_a_mart_lacks(spark: SparkSession, marts: Marts) -> None:
    poor = {**marts, "fct_loans": marts["fct_loans"].drop("default_d1", "grade")}
    with pytest.raises(PipelineError, match="fct_loans lacks the columns default_d1, grade"):
        computed("default_rates_by_grade", spark, poor, date(2012, 3, 1))


def test_portfolio_without_rejections_has_no_approval_rate(
    spark: SparkSession, marts: Marts
) -> None:
    some = {name: frame for name, frame in marts.items() if name != "fct_loan_rejections"}
    rows = computed("portfolio_summary", spark, some, date(2013, 3, 1))
    assert "approval_rate" not in set(rows["measure"])
    assert {"loans", "default_rate_matured", "hhi_funded"} <= set(rows["measure"])
