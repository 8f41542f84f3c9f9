"""Rolling volatility of the banks' daily returns."""

from datetime import date
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import ROLLING_VOLATILITY
from financial_pipeline.spark.contract import write_columns
from financial_pipeline.spark.returns import ANNUAL_SESSIONS, in_order, simple_returns
from financial_pipeline.spark.rolling_moments import LastSessions, with_totals

# Windows in sessions: a month, a quarter, a year.
WINDOWS: Final = (21, 63, 252)


def rolling_volatility(prices: DataFrame, first: date, last: date) -> DataFrame:
    """Sample deviation of the simple returns of the last n sessions, annualised by sqrt(252).

    `prices` is fct_daily_prices up to `last` (methodology 3.2). A window that starts before the
    second price, or with returns on fewer than 95% of its sessions, has no deviation.
    """
    rows = volatilities(simple_returns(prices), WINDOWS)
    return write_columns(rows, ROLLING_VOLATILITY, first, last)


def volatilities(returns: DataFrame, windows: tuple[int, ...]) -> DataFrame:
    """Adds volatility_<n>d and returns_<n>d, its number of returns, for windows of n sessions."""
    order = in_order("has_return")
    columns = {}
    for count in windows:
        recent = LastSessions(order, count)
        deviation = recent.deviation("simple_return") * ANNUAL_SESSIONS**0.5
        columns[f"volatility_{count}d"] = deviation
        columns[f"returns_{count}d"] = F.when(F.col("has_return"), recent.observations())
    return with_totals(returns, order, "simple_return").withColumns(columns)
