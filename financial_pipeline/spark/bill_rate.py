"""The risk-free return of a session: the 3-month bill rate that was known before it."""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import read_columns

INDICATOR: Final = "bill_rate_discount"
INDICATOR_COLUMNS: Final = (
    "indicator_id",
    "observation_date",
    "realtime_start",
    "realtime_end",
    "value",
)
# The bill's life and the two year lengths of its conversion (methodology 3.3).
BILL_DAYS: Final = 91
DISCOUNT_YEAR: Final = 360
BOND_YEAR: Final = 365
SESSIONS_PER_YEAR: Final = 252
# A rate may be used up to ten business days after its observation: two weeks, as sessions fall on
# weekdays.
OLDEST_DAYS: Final = 14


def bill_yield(discount: Column) -> Column:
    """Coupon-equivalent yield of a bank-discount rate, both fractions: 365 d / (360 - 91 d).

    Source: US Treasury, daily bill rates.
    """
    return BOND_YEAR * discount / (DISCOUNT_YEAR - BILL_DAYS * discount)


def bill_return(discount: Column) -> Column:
    """The bill's return per session, geometric: (1 + y)^(1/252) - 1."""
    return F.pow(1 + bill_yield(discount), F.lit(1 / SESSIONS_PER_YEAR)) - 1


def bill_returns(sessions: DataFrame, indicators: DataFrame) -> DataFrame:
    """For each `session_date`: bill_return, bill_observation_date and bill_note.

    `indicators` is agg_macro_indicators. The rate is the newest one observed strictly before the
    session, as it was known then, so a weekend or a holiday carries the day before. `bill_note` is
    why there is none: `no_bill_rate` before the first one, else `bill_rate_too_old`.
    """
    rates = read_columns(indicators, INDICATOR_COLUMNS, "agg_macro_indicators").filter(
        (F.col("indicator_id") == INDICATOR) & F.col("value").isNotNull()
    )
    ages = F.sequence(F.lit(1), F.lit(OLDEST_DAYS))
    # One row for each day on which a rate may be used.
    usable = rates.select("*", F.explode(ages).alias("age")).withColumn(
        "session_date", F.date_add("observation_date", F.col("age"))
    )
    known = usable.filter(
        (F.col("realtime_start") <= F.col("session_date"))
        & (F.col("session_date") < F.col("realtime_end"))
    )
    newest = known.groupBy("session_date").agg(
        F.max(F.struct("observation_date", "realtime_start", "value")).alias("rate")
    )
    release = F.greatest(F.date_add("observation_date", 1), "realtime_start")
    first = rates.agg(F.min(release).alias("first_release"))
    asked = sessions.select("session_date").distinct().crossJoin(F.broadcast(first))
    is_early = F.coalesce(F.col("session_date") < F.col("first_release"), F.lit(True))
    reason = F.when(is_early, F.lit("no_bill_rate")).otherwise(F.lit("bill_rate_too_old"))
    return asked.join(newest, "session_date", "left").select(
        "session_date",
        bill_return(F.col("rate.value")).alias("bill_return"),
        F.col("rate.observation_date").alias("bill_observation_date"),
        F.when(F.col("rate").isNull(), reason).alias("bill_note"),
    )
