"""Realised losses of a month are exact, in whatever order the groups of loans arrive."""

from datetime import date

import polars as pl
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from financial_pipeline.spark.portfolio_losses import MIN_HISTORY, expected_losses

OLD, NEW, SNAPSHOT = date(2011, 1, 1), date(2012, 6, 1), date(2012, 6, 1)
# Cents; as doubles of dollars they miss their sum in every order.
LOST = {"A": 287_729, "B": 368_596, "C": 353_625, "D": 387_038}


def test_realised_losses_are_exact_sums_of_cents(spark: SparkSession) -> None:
    cells = pl.DataFrame(
        [
            {"maturity_month": month, "grade": grade, "lost": lost, "loans": MIN_HISTORY}
            for grade, lost in LOST.items()
            for month in (OLD, NEW)
        ]
    ).with_columns(term_months=36, default_d1=1, funded=1_000_000)
    frame = spark.createDataFrame(cells.to_arrow())
    months = spark.range(1).select(F.lit(SNAPSHOT).alias("snapshot_month"))
    rows = pl.DataFrame(pl.from_arrow(expected_losses(frame, months).toArrow()))
    found = dict(rows.select("segment", "denominator").iter_rows())
    assert found == {"all": 13_969.88, **{grade: lost / 100 for grade, lost in LOST.items()}}
    assert rows["loans"].sum() == 2 * len(LOST) * MIN_HISTORY
