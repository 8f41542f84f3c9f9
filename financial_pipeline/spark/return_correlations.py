"""Rolling correlations between the banks' daily returns."""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import RETURN_CORRELATIONS
from financial_pipeline.spark.contract import write_columns
from financial_pipeline.spark.returns import simple_returns
from financial_pipeline.spark.rolling_moments import LastSessions, with_totals

# Windows in sessions: a quarter, a year.
WINDOWS: Final = (63, 252)


def return_correlations(prices: DataFrame, first: date, last: date) -> DataFrame:
    """Pearson correlation of the returns that two banks have in common in the last n sessions.

    `prices` is fct_daily_prices up to `last`. A pair
    occurs once, in alphabetical order; a flat bank has no correlation (methodology 3.2).
    """
    rows = correlations(bank_pairs(simple_returns(prices)), WINDOWS)
    return write_columns(rows, RETURN_CORRELATIONS, first, last)


def bank_pairs(simple: DataFrame) -> DataFrame:
    """Every two banks of a session: symbol_a before symbol_b, their returns, and `has_both`."""
    names = ("session_date", "session_number")
    returns = simple.select(*names, "symbol", "simple_return")
    left = returns.selectExpr(*names, "symbol symbol_a", "simple_return return_a")
    right = returns.selectExpr(*names, "symbol symbol_b", "simple_return return_b")
    pairs = left.join(right, list(names)).filter(F.col("symbol_a") < F.col("symbol_b"))
    both = F.col("return_a").isNotNull() & F.col("return_b").isNotNull()
    return pairs.withColumn("has_both", both)


def correlations(pairs: DataFrame, windows: tuple[int, ...]) -> DataFrame:
    """Adds correlation_<n>d and common_returns_<n>d for windows of n sessions of a pair."""
    order = Window.partitionBy("symbol_a", "symbol_b", "has_both").orderBy("session_number")
    totals = with_totals(pairs, order, "return_a", "return_b")
    columns = {}
    for count in windows:
        recent = LastSessions(order, count)
        columns[f"correlation_{count}d"] = _correlation(recent)
        columns[f"common_returns_{count}d"] = F.when(F.col("has_both"), recent.observations())
    return totals.withColumns(columns)


def _correlation(recent: LastSessions) -> Column:
    deviations = recent.deviation("return_a") * recent.deviation("return_b")
    return F.when(deviations > 0, recent.covariance("return_a", "return_b") / deviations)
