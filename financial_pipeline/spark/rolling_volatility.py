"""Rolling volatility of the banks' daily returns."""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import ROLLING_VOLATILITY
from financial_pipeline.spark.contract import write_columns
from financial_pipeline.spark.returns import (
    ANNUAL_SESSIONS,
    last_observations,
    simple_returns,
    when_full,
)

# Windows in observations: a month, a quarter, a year.
WINDOWS: Final = (21, 63, 252)


def rolling_volatility(prices: DataFrame, first: date, last: date) -> DataFrame:
    """Sample deviation of the last n simple returns, annualised by sqrt(252); null before n.

    `prices` is fct_daily_prices up to `last`, with a year of look-back before `first`
    (methodology 3.2).
    """
    returns = simple_returns(prices)
    columns = {f"volatility_{count}d": volatility(count) for count in WINDOWS}
    return write_columns(returns.withColumns(columns), ROLLING_VOLATILITY, first, last)


def volatility(count: int) -> Column:
    """The annualised deviation of a bank's last `count` returns; null before that."""
    window = last_observations(count)
    deviation = F.stddev_samp("simple_return").over(window) * ANNUAL_SESSIONS**0.5
    return when_full(deviation, "simple_return", window, count)
