"""Rolling correlations between the banks' daily returns."""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import RETURN_CORRELATIONS
from financial_pipeline.spark.contract import write_columns
from financial_pipeline.spark.returns import FLAT_DEVIATION, simple_returns, when_full

# Windows in common observations: a quarter, a year.
WINDOWS: Final = (63, 252)


def return_correlations(prices: DataFrame, first: date, last: date) -> DataFrame:
    """Pearson correlation of the last n sessions on which both banks have a return.

    `prices` is fct_daily_prices up to `last`, with a year of look-back before `first`. A pair
    stands once, in alphabetical order; a flat bank has no correlation (methodology 3.2).
    """
    pairs = bank_pairs(simple_returns(prices))
    correlations = {f"correlation_{count}d": correlation(count) for count in WINDOWS}
    return write_columns(pairs.withColumns(correlations), RETURN_CORRELATIONS, first, last)


def bank_pairs(simple: DataFrame) -> DataFrame:
    """Every two banks of a session: symbol_a before symbol_b, their returns, and `has_both`."""
    returns = simple.select("session_date", "symbol", "simple_return")
    left = returns.selectExpr("session_date", "symbol symbol_a", "simple_return return_a")
    right = returns.selectExpr("session_date", "symbol symbol_b", "simple_return return_b")
    pairs = left.join(right, "session_date").filter(F.col("symbol_a") < F.col("symbol_b"))
    both = F.col("return_a").isNotNull() & F.col("return_b").isNotNull()
    return pairs.withColumn("has_both", both)


def correlation(count: int) -> Column:
    """Pearson correlation of the last `count` common returns of a pair; null before that."""
    window = (
        Window.partitionBy("symbol_a", "symbol_b", "has_both")
        .orderBy("session_date")
        .rowsBetween(-(count - 1), Window.currentRow)
    )
    deviation_a = F.stddev_samp("return_a").over(window)
    deviation_b = F.stddev_samp("return_b").over(window)
    moves = (deviation_a > FLAT_DEVIATION) & (deviation_b > FLAT_DEVIATION)
    covariance = F.covar_samp("return_a", "return_b").over(window)
    value = F.when(moves, covariance / (deviation_a * deviation_b))
    return F.when(F.col("has_both"), when_full(value, "return_a", window, count))
