"""Rolling volatility of the banks' daily returns."""

from datetime import date
from typing import Final

from pyspark.sql import DataFrame

from financial_pipeline.schemas.metrics import ROLLING_VOLATILITY
from financial_pipeline.spark.contract import write_columns
from financial_pipeline.spark.returns import ANNUAL_SESSIONS, in_order, simple_returns
from financial_pipeline.spark.rolling_moments import LastRows, with_totals

# Windows in observations: a month, a quarter, a year.
WINDOWS: Final = (21, 63, 252)


def rolling_volatility(prices: DataFrame, first: date, last: date) -> DataFrame:
    """Sample deviation of the last n simple returns, annualised by sqrt(252); null before n.

    `prices` is fct_daily_prices up to `last` (methodology 3.2).
    """
    rows = volatilities(simple_returns(prices), WINDOWS)
    return write_columns(rows, ROLLING_VOLATILITY, first, last)


def volatilities(returns: DataFrame, windows: tuple[int, ...]) -> DataFrame:
    """Adds volatility_<n>d for each window of n returns of a bank."""
    order = in_order("has_return")
    columns = {
        f"volatility_{count}d": LastRows(order, count).deviation("simple_return")
        * ANNUAL_SESSIONS**0.5
        for count in windows
    }
    return with_totals(returns, order, "simple_return").withColumns(columns)
