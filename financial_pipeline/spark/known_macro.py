"""Macro values as they were known: the only place that joins credit months to macro releases.

A lagged value is of the vintage current at the end of the credit month. A value of the same
month or later cannot have been known, so it is of the vintage current at the as-of month.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import month_list, ordered_sum, read_columns
from financial_pipeline.spark.returns import ANNUAL_SESSIONS, simple_returns

INDICATOR_COLUMNS: Final = (
    "indicator_id",
    "observation_date",
    "realtime_start",
    "realtime_end",
    "value",
)
# Months that one observation covers.
OBSERVATION_MONTHS: Final = {
    "unrate": 1,
    "unrate_change_12m": 1,
    "cpi_yoy": 1,
    "gdp_growth_saar": 3,
    "bank_index_return": 1,
    "bank_index_volatility": 1,
}
# Sessions with a return that a month of the bank index needs; September 2001 had so few.
LEAST_SESSIONS: Final = 15
MAX_LAG: Final = 12
# A late quarter leaves the one before it as the newest known, for at most a year.
LONGEST_STEP: Final = 12
FOREVER: Final = date(9999, 12, 31)


def macro_vintages(indicators: DataFrame, prices: DataFrame) -> DataFrame:
    """INDICATOR_COLUMNS of agg_macro_indicators and of the monthly bank index.

    `prices` is fct_daily_prices. The index is the equal-weighted bank; each month is known at its
    end and never revised.
    """
    known = read_columns(indicators, INDICATOR_COLUMNS, "agg_macro_indicators").filter(
        F.col("indicator_id").isin(*OBSERVATION_MONTHS) & F.col("value").isNotNull()
    )
    sessions = (
        simple_returns(prices)
        .filter("has_return")
        .groupBy("session_date")
        .agg(
            ordered_sum("simple_return").alias("total"),
            F.count("*").alias("banks"),
        )
    )
    index = sessions.withColumn("index_return", F.col("total") / F.col("banks"))
    ordered = F.sort_array(F.collect_list(F.struct("session_date", "index_return")))
    growth = F.aggregate(
        ordered, F.lit(1.0), lambda product, day: product * (1 + day["index_return"])
    )
    months = index.groupBy(F.trunc("session_date", "month").alias("observation_date")).agg(
        (growth - 1).alias("bank_index_return"),
        (F.stddev_samp("index_return") * ANNUAL_SESSIONS**0.5).alias("bank_index_volatility"),
        F.count("*").alias("sessions"),
    )
    months = months.filter(F.col("sessions") >= LEAST_SESSIONS)
    names = ("bank_index_return", "bank_index_volatility")
    values = F.array(
        *(F.struct(F.lit(name).alias("indicator_id"), F.col(name).alias("value")) for name in names)
    )
    market = months.select("observation_date", F.inline(values)).withColumns(
        {"realtime_start": F.last_day("observation_date"), "realtime_end": F.lit(FOREVER)}
    )
    return known.unionByName(market.select(*INDICATOR_COLUMNS)).filter("value is not null")


def lagged_as_known(vintages: DataFrame) -> DataFrame:
    """indicator_id, month, lag_months (1 to 12), value and release, as known at the end of `month`.

    The observation covers `month` less the lag; a quarter's value is a step, never
    interpolated.
    """
    steps = _stretched(vintages, LONGEST_STEP)
    lags = steps.withColumn("lag_months", F.explode(F.sequence(F.lit(1), F.lit(MAX_LAG))))
    dated = lags.withColumn("month", F.add_months("covered_month", F.col("lag_months")))
    end = F.last_day("month")
    current = dated.filter((F.col("realtime_start") <= end) & (end < F.col("realtime_end")))
    return _newest(current, "month", "lag_months")


def latest_as_of(vintages: DataFrame, as_of_months: Sequence[date]) -> DataFrame:
    """as_of_month, indicator_id, month, value and release of the vintage at each month's end."""
    months = month_list(vintages, as_of_months, "as_of_month")
    end = F.last_day("as_of_month")
    is_current = (F.col("realtime_start") <= end) & (end < F.col("realtime_end"))
    current = _stretched(vintages, 0).join(F.broadcast(months), is_current)
    return _newest(current.withColumn("month", F.col("covered_month")), "as_of_month", "month")


def _stretched(vintages: DataFrame, quarter_step: int) -> DataFrame:
    """One row per month that an observation covers; quarters for at least `quarter_step`."""
    width = F.lit(1)
    for name, months in OBSERVATION_MONTHS.items():
        span = months if months == 1 else max(months, quarter_step)
        width = F.when(F.col("indicator_id") == name, F.lit(span)).otherwise(width)
    offset = F.explode(F.sequence(F.lit(0), width - 1)).alias("offset")
    rows = vintages.select("*", offset)
    return rows.withColumn("covered_month", F.add_months("observation_date", F.col("offset")))


def _newest(rows: DataFrame, *by: str) -> DataFrame:
    newest = F.max(F.struct("observation_date", "realtime_start", "value")).alias("newest")
    return (
        rows.groupBy("indicator_id", *by)
        .agg(newest)
        .select(
            "indicator_id",
            *by,
            F.col("newest.value").alias("value"),
            F.col("newest.realtime_start").alias("release"),
        )
    )
