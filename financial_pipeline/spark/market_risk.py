"""Drawdown, beta, tail losses with their backtests, and volatility from ranges and by EWMA."""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import MARKET_RISK
from financial_pipeline.spark.contract import ordered_sum, write_columns
from financial_pipeline.spark.ewma import ewma_volatility
from financial_pipeline.spark.range_volatility import (
    ESTIMATORS,
    RANGE_COLUMNS,
    range_volatilities,
    with_log_prices,
)
from financial_pipeline.spark.range_volatility import WINDOW as RANGE_WINDOW
from financial_pipeline.spark.returns import in_order, is_covered, looking_back, simple_returns
from financial_pipeline.spark.rolling_moments import LastSessions, with_totals
from financial_pipeline.spark.value_at_risk import backtests, tail_losses

WINDOW: Final = 252


def market_risk(prices: DataFrame, first: date, last: date) -> DataFrame:
    """Risk of each bank per session; `prices` is fct_daily_prices from the first session to `last`.

    Formulas: methodology 3.2 and 3.4. Drawdown, EWMA and backtests know the whole history.
    """
    returns = with_log_prices(simple_returns(prices, *RANGE_COLUMNS))
    losses = backtests(tail_losses(with_beta(with_drawdowns(returns)), first=first))
    recent = looking_back(ewma_volatility(losses), first, WINDOW + 1)
    risk = range_volatilities(with_worst_fall(recent))
    named = risk.withColumnsRenamed(
        {
            **{name: f"{name}_{RANGE_WINDOW}d" for name in ESTIMATORS},
            "value_at_risk": "value_at_risk_95",
            "expected_shortfall": "expected_shortfall_95",
        }
    )
    return write_columns(named, MARKET_RISK, first, last)


def with_drawdowns(returns: DataFrame) -> DataFrame:
    """Adds drawdown, max_drawdown_full and first_of_scale, the number of the first session.

    None of them looks back beyond a break of scale.
    """
    so_far = _by_number().rowsBetween(Window.unboundedPreceding, Window.currentRow)
    price = F.col("adjusted_close")
    falls = returns.withColumns(
        {
            "drawdown": price / F.max(price).over(so_far) - 1,
            "first_of_scale": F.min("session_number").over(so_far),
        }
    )
    return falls.withColumn("max_drawdown_full", F.min("drawdown").over(so_far))


def with_worst_fall(drawdowns: DataFrame, *, window: int = WINDOW) -> DataFrame:
    """Adds max_drawdown_252d, the worst fall within the last `window` sessions on one scale."""
    recent = _by_number().rangeBetween(-window, Window.currentRow)
    prices, count = (each("adjusted_close").over(recent) for each in (F.collect_list, F.count))
    # The price before the first of `window` returns is the first possible peak.
    enough = is_covered(F.col("price_count"), F.col("first_of_scale"), window + 1)
    counted = drawdowns.withColumns({"recent_prices": prices, "price_count": count})
    fall = F.when(enough, _worst_fall(F.col("recent_prices")))
    return counted.withColumn("max_drawdown_252d", fall).drop("recent_prices", "price_count")


def _by_number() -> WindowSpec:
    return Window.partitionBy("symbol", "scale").orderBy("session_number")


def _worst_fall(prices: Column) -> Column:
    """The lowest price relative to the highest before it, minus one."""
    start = F.struct(prices[0].alias("peak"), F.lit(0.0).alias("worst"))

    def step(state: Column, price: Column) -> Column:
        peak = F.greatest(state["peak"], price)
        worst = F.least(state["worst"], price / peak - 1)
        return F.struct(peak.alias("peak"), worst.alias("worst"))

    return F.aggregate(prices, start, step, lambda state: state["worst"])


def with_beta(returns: DataFrame, *, window: int = WINDOW) -> DataFrame:
    """Adds beta_252d against the equal-weighted return of the other banks of the session."""
    present = returns.filter("has_return")
    sessions = present.groupBy("session_date").agg(
        ordered_sum("simple_return").alias("total"), F.count("*").alias("banks")
    )
    # A broadcast leaves every bank's rows together, so no later window moves them again.
    compared = returns.join(F.broadcast(sessions), "session_date", "left")
    others = F.col("banks") - 1
    benchmark = F.when(others > 0, (F.col("total") - F.col("simple_return")) / others)
    paired = compared.withColumn("benchmark", benchmark).withColumn(
        "has_pair", F.col("benchmark").isNotNull()
    )
    order = in_order("has_pair")
    recent = LastSessions(order, window)
    slope = recent.covariance("simple_return", "benchmark") / recent.deviation("benchmark") ** 2
    beta = F.when(recent.moves("benchmark"), slope)
    return with_totals(paired, order, "simple_return", "benchmark").withColumn("beta_252d", beta)
