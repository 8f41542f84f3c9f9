"""Expected against realised loss of the loans that matured within a year.

The expectation knows only loans that matured more than a year before the snapshot month: their
default rate and loss per dollar, by grade and term. So it is a forecast that can fail, not a fit.
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import CENTS_PER_DOLLAR, ordered_sum, ratio
from financial_pipeline.spark.portfolio_ratios import ALL

MEASURE: Final = "expected_to_realised_loss"
COHORT_MONTHS: Final = 12
# A grade and term with fewer matured loans has no expected rate.
MIN_HISTORY: Final = 30


def expected_losses(cells: DataFrame, months: DataFrame) -> DataFrame:
    """numerator expected loss, denominator realised net loss (dollars) per month and grade.

    Expected loss is PD x LGD x EAD over a loan's life (methodology 2.8), with LGD x EAD as net loss
    per dollar funded of the bad loans. `cells` are those of `loan_cells`, `months` the snapshot
    months.
    """
    start = F.add_months("snapshot_month", -COHORT_MONTHS)
    joined = (
        _matured(cells)
        .join(F.broadcast(months), F.col("maturity_month") <= F.col("snapshot_month"))
        .withColumn("is_history", F.col("maturity_month") <= start)
    )
    sums = joined.groupBy("snapshot_month", "grade", "term_months").agg(
        *(_total(name, history=True) for name in ("loans", "bad_loans", "bad_funded", "lost")),
        *(_total(name, history=False) for name in ("loans", "funded", "lost")),
    )
    usable = sums.filter((F.col("past_loans") >= MIN_HISTORY) & (F.col("new_loans") > 0))
    default_rate = ratio(F.col("past_bad_loans"), F.col("past_loans"))
    severity = ratio(F.col("past_lost"), F.col("past_bad_funded"))
    funded = F.col("new_funded") / CENTS_PER_DOLLAR
    expected = default_rate * F.coalesce(severity, F.lit(0.0)) * funded
    rows = usable.withColumns({"expected": expected, "kinds": _segments()})
    segments = rows.select("*", F.inline("kinds"))
    return segments.groupBy("snapshot_month", "segment_kind", "segment").agg(
        F.lit(MEASURE).alias("measure"),
        ordered_sum("expected").alias("numerator"),
        (F.sum("new_lost") / CENTS_PER_DOLLAR).alias("denominator"),
        F.sum("new_loans").alias("loans"),
    )


def _matured(cells: DataFrame) -> DataFrame:
    """Matured loans and those that defaulted, with funded and lost cents."""
    is_bad = F.col("default_d1") == 1
    matured = cells.filter("default_d1 is not null")
    return matured.groupBy("maturity_month", "grade", "term_months").agg(
        F.sum("loans").alias("loans"),
        F.sum(F.when(is_bad, F.col("loans"))).alias("bad_loans"),
        F.sum("funded").alias("funded"),
        F.sum(F.when(is_bad, F.col("funded"))).alias("bad_funded"),
        F.sum(F.when(is_bad, F.col("lost"))).alias("lost"),
    )


def _total(name: str, *, history: bool) -> Column:
    chosen = F.col("is_history") if history else ~F.col("is_history")
    total = F.coalesce(F.sum(F.when(chosen, F.col(name))), F.lit(0))
    return total.alias(f"{'past' if history else 'new'}_{name}")


def _segments() -> Column:
    return F.array(
        F.struct(F.lit(ALL).alias("segment_kind"), F.lit(ALL).alias("segment")),
        F.struct(F.lit("grade").alias("segment_kind"), F.col("grade").alias("segment")),
    )
