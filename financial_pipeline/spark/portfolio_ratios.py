"""Portfolio ratios that accumulate month by month: volume, default, loss, rate and score.

A loan enters a measure in the month that makes it known: volume and averages with its issue,
matured rates with its maturity, losses given default with its default. Outcomes are those of the
loan's latest snapshot, and the default flag is the warehouse's.
"""

from decimal import Decimal
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.amortisation import annuity_payment
from financial_pipeline.spark.contract import CENTS_PER_DOLLAR, cents, ratio

LOAN_COLUMNS: Final = (
    "issue_month",
    "maturity_month",
    "default_month",
    "snapshot_month",
    "grade",
    "term_months",
    "credit_policy_met",
    "loan_state",
    "default_d1",
    "funded_amount_usd",
    "interest_rate",
    "installment_usd",
    "fico_midpoint",
    "ead_usd",
    "net_loss_usd",
)
BASIS: Final = "latest snapshot of each loan"
ALL: Final = "all"
# Exact sums need whole factors: cents, rates to a millionth, scores to a half point.
MILLIONTHS: Final = 1_000_000
HALVES: Final = 2
FUNDED: Final = "funded_amount_usd"
EXACT: Final = "decimal(38,8)"
# Upstream rounds payments to the cent; older loans differ by more (methodology 1.5).
ANNUITY_TOLERANCE: Final = 1.6e-4


def accumulated_ratios(loans: DataFrame, months: DataFrame) -> DataFrame:
    """measure, segment_kind, segment, numerator, denominator and loans per `snapshot_month`.

    `loans` has LOAN_COLUMNS of fct_loans; `months` the snapshot months asked for.
    """
    cells = _volumes(loans).unionByName(_matured(loans)).unionByName(_defaulted(loans))
    segments = F.array(
        F.struct(F.lit(ALL).alias("segment_kind"), F.lit(ALL).alias("segment")),
        F.struct(F.lit("grade").alias("segment_kind"), F.col("grade").alias("segment")),
    )
    rows = cells.select("*", F.inline(segments)).filter("segment is not null")
    known = rows.join(F.broadcast(months), F.col("entry_month") <= F.col("snapshot_month"))
    return known.groupBy("snapshot_month", "measure", "segment_kind", "segment").agg(
        F.sum("numerator").cast("double").alias("numerator"),
        F.sum("denominator").cast("double").alias("denominator"),
        F.sum("loans").alias("loans"),
    )


def _measure(name: str, numerator: Column, denominator: Column, loans: Column) -> Column:
    return F.struct(
        F.lit(name).alias("measure"),
        numerator.cast(EXACT).alias("numerator"),
        denominator.cast(EXACT).alias("denominator"),
        loans.alias("loans"),
    )


def _whole(total: Column, unit: int) -> Column:
    """A sum of whole units as an exact decimal."""
    return total.cast("decimal(20,0)") * F.lit(Decimal(1) / unit)


def _dollars(amount: Column) -> Column:
    """The exact sum of an amount in dollars."""
    return _whole(F.sum(cents(amount)), CENTS_PER_DOLLAR)


def _cells(loans: DataFrame, entry: str, *measures: Column) -> DataFrame:
    grouped = loans.groupBy(F.col(entry).alias("entry_month"), "grade")
    return grouped.agg(F.array(*measures).alias("measures")).select(
        "entry_month", "grade", F.inline("measures")
    )


def _volumes(loans: DataFrame) -> DataFrame:
    """Every loan, whether or not it meets the credit policy, from its issue month on."""
    count, funded = F.count("*"), _dollars(F.col(FUNDED))
    rate = F.rint(F.col("interest_rate") * MILLIONTHS).cast("bigint")
    score = F.rint(F.col("fico_midpoint") * HALVES).cast("bigint")
    rated = _whole(F.sum(rate * cents(F.col(FUNDED))), MILLIONTHS * CENTS_PER_DOLLAR)
    scored = _whole(F.sum(score * cents(F.col(FUNDED))), HALVES * CENTS_PER_DOLLAR)
    has_score = F.col("fico_midpoint").isNotNull()
    level = annuity_payment(
        F.col(FUNDED).cast("double"), F.col("interest_rate"), F.col("term_months")
    )
    # Nothing funded has no level payment: such a loan counts neither for nor against the identity.
    gap = F.abs(ratio(F.col("installment_usd"), level) - 1)
    return _cells(
        loans,
        "issue_month",
        _measure("loans", count, F.lit(None), count),
        _measure("funded_usd", funded, F.lit(None), count),
        _measure("weighted_average_rate", rated, funded, count),
        _measure(
            "weighted_average_fico",
            scored,
            _dollars(F.when(has_score, F.col(FUNDED))),
            F.count("fico_midpoint"),
        ),
        _measure(
            "annuity_identity",
            F.count_if(gap <= ANNUITY_TOLERANCE),
            F.count(gap),
            F.count(gap),
        ),
    )


def _matured(loans: DataFrame) -> DataFrame:
    """Loans whose D1 outcome is known, from their maturity month on."""
    is_bad = F.col("default_d1") == 1
    count, funded = F.count("*"), _dollars(F.col(FUNDED))
    return _cells(
        loans.filter("default_d1 is not null"),
        "maturity_month",
        _measure("default_rate_matured", F.count_if(is_bad), count, count),
        _measure(
            "default_rate_matured_usd_weighted",
            F.coalesce(_dollars(F.when(is_bad, F.col(FUNDED))), F.lit(0)),
            funded,
            count,
        ),
        _measure(
            "net_loss_rate_matured",
            F.coalesce(_dollars(F.when(is_bad, F.col("net_loss_usd"))), F.lit(0)),
            funded,
            count,
        ),
    )


def _defaulted(loans: DataFrame) -> DataFrame:
    """Bad loans with exposure, from their default month on; dollar-weighted (methodology 2.7)."""
    bad = loans.filter("credit_policy_met and loan_state = 'BAD' and ead_usd > 0")
    exposure, lost = _dollars(F.col("ead_usd")), _dollars(F.col("net_loss_usd"))
    return _cells(
        bad,
        "default_month",
        _measure("loss_given_default_on_ead", lost, exposure, F.count("*")),
        _measure("exposure_at_default_ratio", exposure, _dollars(F.col(FUNDED)), F.count("*")),
    )
