"""A ratio with denominator 0 is null on both engines: a month in which nothing was funded."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import SparkSession

from financial_pipeline.crosscheck.agreement import compare
from financial_pipeline.crosscheck.recompute import recompute
from financial_pipeline.spark.catalogue import METRICS
from financial_pipeline_tests.spark import tiny_world
from financial_pipeline_tests.spark.conftest import collect

FIRST, LAST = tiny_world.FIRST_ISSUE, date(2010, 3, 1)
SUMMARY = METRICS["portfolio_summary"]


def _nothing_funded(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Every loan of the first month has amount 0, the next month's first one a rate of 0."""
    amount = {"fct_loans": "funded_amount_usd", "fct_loan_applications": "funded_amnt"}.get(name)
    if amount is None:
        return rows
    is_first = pl.col("issue_month") == FIRST
    unfunded = rows.with_columns(pl.when(~is_first).then(amount).otherwise(0).alias(amount))
    if name != "fct_loans":
        return unfunded
    free = pl.col("issue_month").is_first_distinct() & ~is_first
    return unfunded.with_columns(
        interest_rate=pl.when(~free).then("interest_rate").otherwise(0.0),
        installment_usd=pl.when(free)
        .then(pl.col("funded_amount_usd").cast(pl.Float64) / pl.col("term_months"))
        .otherwise(pl.col("installment_usd").cast(pl.Float64))
        .cast(tiny_world.MONEY),
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, marts = tmp_path_factory.mktemp("marts"), tiny_world.marts()
    files = {name: folder / f"{name}.parquet" for name in SUMMARY.inputs}
    for name, path in files.items():
        _nothing_funded(name, marts[name]).write_parquet(path)
    return files


@pytest.fixture(scope="module")
def rows(spark: SparkSession, files: dict[str, Path]) -> pl.DataFrame:
    marts = {name: spark.read.parquet(str(path)) for name, path in files.items()}
    found = SUMMARY.compute(spark, marts, FIRST, LAST, default_lag_months=tiny_world.LAG)
    return collect(found)


def test_both_engines_agree(rows: pl.DataFrame, files: dict[str, Path]) -> None:
    inputs = {name: [path] for name, path in files.items()}
    lag = tiny_world.LAG
    theirs = recompute(SUMMARY.table, inputs, FIRST, LAST, default_lag_months=lag)
    agreement = compare(SUMMARY.table, rows, theirs)
    assert agreement.holds, agreement


@pytest.mark.parametrize(
    "measure", ["weighted_average_rate", "weighted_average_fico", "hhi_funded", "annuity_identity"]
)
def test_a_month_without_dollars_has_no_ratio(rows: pl.DataFrame, measure: str) -> None:
    first = rows.filter(snapshot_month=FIRST, measure=measure)
    assert first.height > 0
    assert first["value"].null_count() == first.height
    later = rows.filter(snapshot_month=LAST, measure=measure, segment="all")
    assert later["value"].is_finite().all()
