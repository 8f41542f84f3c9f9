"""Daily returns of the banks on the market's sessions: what every market metric starts from."""

from typing import Final

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import read_columns

PRICE_COLUMNS: Final = ("symbol", "session_date", "adjusted_close")
# Sessions per year: what daily means and deviations are annualised with.
ANNUAL_SESSIONS: Final = 252
# A day is a session when at least four of five listed banks have a price.
QUORUM: Final = (4, 5)
# A deviation below this, per session, is a flat price seen through rounding.
FLAT_DEVIATION: Final = 1e-12


def simple_returns(prices: DataFrame, *also: str) -> DataFrame:
    """One row per bank and session: symbol, session_date, adjusted_close, simple_return, `also`.

    `prices` is fct_daily_prices. The return is P_t / P_(t-1) - 1 on adjusted closes (methodology
    3.2) and null if the bank has no price in the session before: prices are never carried
    forward. `has_return` says whether there is one.
    """
    priced = read_columns(prices, (*PRICE_COLUMNS, *also), "fct_daily_prices").filter(
        F.col("adjusted_close") > 0
    )
    numbered = priced.join(F.broadcast(_sessions(priced)), "session_date")
    of_bank = Window.partitionBy("symbol").orderBy("session_date")
    follows = F.col("session_number") - F.lag("session_number").over(of_bank) == 1
    change = F.col("adjusted_close") / F.lag("adjusted_close").over(of_bank) - 1
    returns = numbered.withColumn("simple_return", F.when(follows, change))
    return returns.withColumn("has_return", F.col("simple_return").isNotNull()).drop(
        "session_number"
    )


def _sessions(priced: DataFrame) -> DataFrame:
    """The dates with a quorum of listed banks, numbered in order."""
    banks = priced.groupBy("symbol").agg(
        F.min("session_date").alias("listed_from"), F.max("session_date").alias("listed_to")
    )
    dates = priced.groupBy("session_date").agg(F.count("*").alias("prices"))
    listed = dates.join(
        F.broadcast(banks), F.col("session_date").between(F.col("listed_from"), F.col("listed_to"))
    )
    counted = listed.groupBy("session_date", "prices").agg(F.count("*").alias("banks"))
    least, of = QUORUM
    sessions = counted.filter(F.col("prices") * of >= F.col("banks") * least)
    number = F.row_number().over(Window.orderBy("session_date"))
    return sessions.select("session_date", number.alias("session_number"))


def in_order(present: str) -> WindowSpec:
    """The rows of a bank that have what `present` flags, in order."""
    return Window.partitionBy("symbol", present).orderBy("session_date")


def last_observations(count: int, present: str = "has_return", by: str = "symbol") -> WindowSpec:
    """The window of the last `count` rows of a bank that have what `present` flags."""
    return (
        Window.partitionBy(by, present)
        .orderBy("session_date")
        .rowsBetween(-(count - 1), Window.currentRow)
    )


def all_observations(present: str = "has_return") -> WindowSpec:
    """The window of all rows of a bank so far that have what `present` flags."""
    return (
        Window.partitionBy("symbol", present)
        .orderBy("session_date")
        .rowsBetween(Window.unboundedPreceding, Window.currentRow)
    )


def when_full(value: Column, observed: str, window: WindowSpec, count: int) -> Column:
    """The value if the window contains `count` observations of a column, else null."""
    return F.when(F.count(observed).over(window) >= count, value)
