"""Portfolio ratios that accumulate month by month: volume, default, loss, rate and score.

A loan enters a measure in the month that makes it known: volume and averages with its issue,
matured rates with its maturity, losses given default with its default. Outcomes are those of the
loan's latest snapshot, and the default flag is the warehouse's.
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import CENTS_PER_DOLLAR
from financial_pipeline.spark.loan_cells import HALVES, MILLIONTHS

BASIS: Final = "latest snapshot of each loan"
ALL: Final = "all"


def accumulated_ratios(cells: DataFrame, months: DataFrame) -> DataFrame:
    """measure, segment_kind, segment, numerator, denominator and loans per `snapshot_month`.

    `cells` are those of `loan_cells`; `months` the snapshot months asked for.
    """
    measured = _volumes(cells).unionByName(_matured(cells)).unionByName(_defaulted(cells))
    segments = F.array(
        F.struct(F.lit(ALL).alias("segment_kind"), F.lit(ALL).alias("segment")),
        F.struct(F.lit("grade").alias("segment_kind"), F.col("grade").alias("segment")),
    )
    rows = measured.select("*", F.inline(segments)).filter("segment is not null")
    known = rows.join(F.broadcast(months), F.col("entry_month") <= F.col("snapshot_month"))
    by = ("snapshot_month", "measure", "segment_kind", "segment", "unit", "unit_below")
    return known.groupBy(*by).agg(
        (F.sum("numerator") / F.col("unit")).alias("numerator"),
        (F.sum("denominator") / F.col("unit_below")).alias("denominator"),
        F.sum("loans").alias("loans"),
    )


def _measure(
    name: str,
    numerator: Column,
    denominator: Column,
    loans: Column,
    unit: int = 1,
    unit_below: int = 1,
) -> Column:
    """Sums of whole units, so many of which make one of numerator and denominator."""
    return F.struct(
        F.lit(name).alias("measure"),
        numerator.cast("bigint").alias("numerator"),
        denominator.cast("bigint").alias("denominator"),
        loans.alias("loans"),
        F.lit(unit).alias("unit"),
        F.lit(unit_below).alias("unit_below"),
    )


def _entries(cells: DataFrame, entry: str, *measures: Column) -> DataFrame:
    grouped = cells.groupBy(F.col(entry).alias("entry_month"), "grade")
    return grouped.agg(F.array(*measures).alias("measures")).select(
        "entry_month", "grade", F.inline("measures")
    )


def _volumes(cells: DataFrame) -> DataFrame:
    """Every loan, whether or not it meets the credit policy, from its issue month on."""
    count, funded, payments = F.sum("loans"), F.sum("funded"), F.sum("payments")
    cent = CENTS_PER_DOLLAR
    return _entries(
        cells,
        "issue_month",
        _measure("loans", count, F.lit(None), count),
        _measure("funded_usd", funded, F.lit(None), count, cent),
        _measure("weighted_average_rate", F.sum("rated"), funded, count, MILLIONTHS * cent, cent),
        _measure(
            "weighted_average_fico",
            F.sum("scored"),
            F.sum("scored_funded"),
            F.sum("scored_loans"),
            HALVES * cent,
            cent,
        ),
        _measure("annuity_identity", F.sum("level_payments"), payments, payments),
    )


def _matured(cells: DataFrame) -> DataFrame:
    """Loans whose D1 outcome is known, from their maturity month on."""
    count, funded, cent = F.sum("loans"), F.sum("funded"), CENTS_PER_DOLLAR

    def of_bad(name: str) -> Column:
        return F.coalesce(F.sum(F.when(F.col("default_d1") == 1, F.col(name))), F.lit(0))

    return _entries(
        cells.filter("default_d1 is not null"),
        "maturity_month",
        _measure("default_rate_matured", of_bad("loans"), count, count),
        _measure("default_rate_matured_usd_weighted", of_bad("funded"), funded, count, cent, cent),
        _measure("net_loss_rate_matured", of_bad("lost"), funded, count, cent, cent),
    )


def _defaulted(cells: DataFrame) -> DataFrame:
    """Bad loans with exposure, from their default month on; dollar-weighted (methodology 2.7)."""
    exposure, count, cent = F.sum("exposure"), F.sum("loans"), CENTS_PER_DOLLAR
    return _entries(
        cells.filter("bad_month is not null"),
        "bad_month",
        _measure("loss_given_default_on_ead", F.sum("lost"), exposure, count, cent, cent),
        _measure("exposure_at_default_ratio", exposure, F.sum("funded"), count, cent, cent),
    )
