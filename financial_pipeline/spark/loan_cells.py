"""The loans in one pass: sums of those that share their dates, grade, term and outcome.

Every measure of the loans' latest snapshot is a sum over some of these cells, so the loans are read
and their amounts converted once. Amounts are whole units, whose sums are exact and quick.
"""

from typing import Final

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.amortisation import annuity_payment
from financial_pipeline.spark.contract import cents, ratio

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
# Exact sums need whole factors: cents, rates to a millionth, scores to a half point.
MILLIONTHS: Final = 1_000_000
HALVES: Final = 2
# Upstream rounds payments to the cent; older loans differ by more (methodology 1.5).
ANNUITY_TOLERANCE: Final = 1.6e-4


def loan_cells(loans: DataFrame) -> DataFrame:
    """One row per issue, maturity and bad month, grade, term and outcome; computed at once.

    `loans` has LOAN_COLUMNS of fct_loans. `bad_month` is the default month of a bad loan of the
    credit policy with exposure. `funded`, `exposure` and `lost` are cents; `rated` and `scored` are
    funded cents times the rate in millionths and the score in half points, exact for 600 billion
    dollars at 15%; beyond that, Spark raises an error.
    """
    is_bad = F.expr("credit_policy_met and loan_state = 'BAD' and ead_usd > 0")
    amounts = loans.select(
        "*",
        F.when(is_bad, F.col("default_month")).alias("bad_month"),
        cents(F.col("funded_amount_usd")).alias("cents"),
        F.rint(F.col("interest_rate") * MILLIONTHS).cast("bigint").alias("rate"),
        F.rint(F.col("fico_midpoint") * HALVES).cast("bigint").alias("score"),
        _annuity_gap().alias("gap"),
    )
    by = ("issue_month", "maturity_month", "bad_month", "grade", "term_months", "default_d1")
    cells = amounts.groupBy(*by).agg(
        F.count("*").alias("loans"),
        F.max("snapshot_month").alias("snapshot_month"),
        F.sum("cents").alias("funded"),
        F.sum(F.col("rate") * F.col("cents")).alias("rated"),
        F.sum(F.col("score") * F.col("cents")).alias("scored"),
        F.sum(F.when(F.col("score").isNotNull(), F.col("cents"))).alias("scored_funded"),
        F.count("score").alias("scored_loans"),
        F.count("gap").alias("payments"),
        F.count_if(F.col("gap") <= ANNUITY_TOLERANCE).alias("level_payments"),
        F.sum(cents(F.col("net_loss_usd"))).alias("lost"),
        F.sum(cents(F.col("ead_usd"))).alias("exposure"),
    )
    # Stored twice: the share of a lost worker could not be computed again.
    return cells.localCheckpoint(storageLevel=StorageLevel.MEMORY_AND_DISK_2)


def _annuity_gap() -> Column:
    """Return the relative distance of the payment from the level one.

    Nothing funded has no level payment: such a loan counts neither for nor against the identity.
    """
    level = annuity_payment(
        F.col("funded_amount_usd").cast("double"), F.col("interest_rate"), F.col("term_months")
    )
    return F.abs(ratio(F.col("installment_usd"), level) - 1)
