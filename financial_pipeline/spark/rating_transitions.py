"""Monthly roll rates between delinquency states, from successive observed snapshots only.

Reconstructed rows never count: they cannot show a cure.
"""

from datetime import date
from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import RATING_TRANSITIONS
from financial_pipeline.spark.contract import ratio, read_columns, write_columns
from financial_pipeline.spark.inference import wilson

PERFORMANCE_COLUMNS: Final = (
    "loan_key",
    "performance_month",
    "loan_state",
    "closing_balance_usd",
    "is_reconstructed",
    "source",
)
# Loans leave from these; BAD and PAID are absorbing and have no row of their own.
LIVE_STATES: Final = ("CURRENT", "GRACE", "D16_30", "D31_120")
BASIS: Final = "observed snapshots"
ORIGIN: Final = ("snapshot_month", "source", "from_state")


def rating_transitions(performance: DataFrame, first: date, last: date) -> DataFrame:
    """Shares of loans, and of dollars, that move between states from month m to m + 1.

    `performance` is fct_loan_performance_monthly. A loan counts in month m where both months were
    observed in a snapshot, so the shares out of a state sum to one (methodology 2.5). Dollars are
    the closing balance of month m.
    """
    observed = read_columns(
        performance, PERFORMANCE_COLUMNS, "fct_loan_performance_monthly"
    ).filter(
        ~F.col("is_reconstructed")
        & F.col("loan_state").isNotNull()
        & F.col("performance_month").between(F.lit(first), F.add_months(F.lit(last), 1))
    )
    moves = (
        _pairs(observed)
        .groupBy(*ORIGIN, "to_state")
        .agg(F.count("*").alias("loans"), F.sum("balance").alias("balance_usd"))
    )
    origin = Window.partitionBy(*ORIGIN)
    rate = wilson(F.col("loans"), F.col("loans_from"))
    leaving = moves.withColumns(
        {
            "loans_from": F.sum("loans").over(origin),
            "balance_from_usd": F.sum("balance_usd").over(origin),
        }
    )
    rates = leaving.withColumns(
        {
            "probability": rate.share,
            "probability_low": rate.low,
            "probability_high": rate.high,
            "probability_usd_weighted": ratio(F.col("balance_usd"), F.col("balance_from_usd")),
            "basis": F.lit(BASIS),
        }
    )
    return write_columns(rates, RATING_TRANSITIONS, first, last)


def _pairs(observed: DataFrame) -> DataFrame:
    """One row per loan and month that was observed again a month later."""
    following = Window.partitionBy("loan_key").orderBy("performance_month")
    rows = observed.select(
        "source",
        F.col("performance_month").alias("snapshot_month"),
        F.col("loan_state").alias("from_state"),
        F.coalesce("closing_balance_usd", F.lit(0)).alias("balance"),
        F.lead("performance_month").over(following).alias("next_month"),
        F.lead("loan_state").over(following).alias("to_state"),
    )
    return rows.filter(
        F.col("from_state").isin(*LIVE_STATES)
        & (F.col("next_month") == F.add_months("snapshot_month", 1))
    )
