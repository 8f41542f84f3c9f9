"""The risk-free return of a session: the 3-month bill rate that was known before it."""

from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import read_columns

INDICATOR: Final = "bill_rate_discount"
INDICATOR_COLUMNS: Final = ("indicator_id", "observation_date", "realtime_start", "value")
# The bill's life and the two year lengths of its conversion (methodology 3.3).
BILL_DAYS: Final = 91
DISCOUNT_YEAR: Final = 360
BOND_YEAR: Final = 365
SESSIONS_PER_YEAR: Final = 252


def bill_yield(discount: Column) -> Column:
    """Coupon-equivalent yield of a bank-discount rate, both fractions: 365 d / (360 - 91 d).

    Source: US Treasury, daily bill rates.
    """
    return BOND_YEAR * discount / (DISCOUNT_YEAR - BILL_DAYS * discount)


def bill_return(discount: Column) -> Column:
    """The bill's return per session, geometric: (1 + y)^(1/252) - 1."""
    return F.pow(1 + bill_yield(discount), F.lit(1 / SESSIONS_PER_YEAR)) - 1


def bill_returns(sessions: DataFrame, indicators: DataFrame) -> DataFrame:
    """For each `session_date`: bill_return and bill_observation_date, null before the first rate.

    `indicators` is agg_macro_indicators. The rate is the last one observed strictly before the
    session and released by it, so a weekend or a holiday carries the day before.
    """
    rates = read_columns(indicators, INDICATOR_COLUMNS, "agg_macro_indicators").filter(
        (F.col("indicator_id") == INDICATOR) & F.col("value").isNotNull()
    )
    # The newest observation wins, and of its vintages the newest.
    rate = F.struct("observation_date", "realtime_start", "value")
    news = rates.select(
        F.greatest(F.date_add("observation_date", 1), "realtime_start").alias("session_date"),
        rate.alias("rate"),
        F.lit(False).alias("is_session"),
    )
    asked = (
        sessions.select("session_date")
        .distinct()
        .select(
            "session_date",
            F.lit(None).cast(news.schema["rate"].dataType).alias("rate"),
            F.lit(True).alias("is_session"),
        )
    )
    so_far = Window.orderBy("session_date", "is_session").rowsBetween(
        Window.unboundedPreceding, Window.currentRow
    )
    known = news.unionByName(asked).withColumn("known", F.max("rate").over(so_far))
    return known.filter("is_session").select(
        "session_date",
        bill_return(F.col("known.value")).alias("bill_return"),
        F.col("known.observation_date").alias("bill_observation_date"),
    )
