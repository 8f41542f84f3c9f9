"""Volatility from open, high, low and close: four range estimators.

Parkinson, Garman-Klass and Rogers-Satchell see the trading day only; Yang-Zhang adds the night.
"""

import math
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from financial_pipeline.spark.returns import (
    ANNUAL_SESSIONS,
    first_number,
    last_sessions,
    when_covered,
)

WINDOW: Final = 63
RANGE_COLUMNS: Final = ("open", "high", "low", "close", "has_valid_range")
ESTIMATORS: Final = ("parkinson", "garman_klass", "rogers_satchell", "yang_zhang")
# What flags an observation -> the column with the session number of the first one.
_FIRST_NUMBERS: Final = {"has_range": "first_range", "has_night": "first_night"}


def range_volatilities(logs: DataFrame, *, window: int = WINDOW) -> DataFrame:
    """Adds the four annualised estimators over the last `window` sessions; null below 95% of them.

    `logs` has the columns of `with_log_prices`. A day without a valid range has no part in the
    window.
    """
    return _yang_zhang(_intraday(logs, window), window)


def with_log_prices(returns: DataFrame) -> DataFrame:
    """Adds the logarithms of a day's prices and of the night before, and where they begin.

    Opens, highs, lows and closes are one day's, in one scale. The night is measured on adjusted
    prices (methodology 3.2).
    """
    in_order = Window.partitionBy("symbol").orderBy("session_date")
    usable = F.col("has_valid_range")
    for name in ("open", "high", "low", "close"):
        usable = usable & (F.col(name) > 0)
    before = F.ln(F.lag("adjusted_close").over(in_order))
    adjusted_open = F.col("open") * F.col("adjusted_close") / F.col("close")
    logs = returns.withColumn("has_range", F.coalesce(usable, F.lit(False)))
    in_range = F.col("has_range")
    dated = logs.withColumns(
        {
            **{f"ln_{name}": F.when(in_range, F.ln(name)) for name in ("open", "high", "low")},
            "ln_close": F.when(in_range, F.ln("close")),
            "night": F.when(in_range & F.col("has_return"), F.ln(adjusted_open) - before),
        }
    )
    flagged = dated.withColumn("has_night", F.col("night").isNotNull())
    return flagged.withColumns(
        {name: first_number(present) for present, name in _FIRST_NUMBERS.items()}
    )


def _when_covered(value: Column, present: str, window: int) -> Column:
    return when_covered(value, present, window, F.col(_FIRST_NUMBERS[present]))


def _day_variances() -> dict[str, Column]:
    open_, high, low, close = (F.col(f"ln_{name}") for name in ("open", "high", "low", "close"))
    day = close - open_
    return {
        "parkinson": (high - low) ** 2 / (4 * math.log(2)),
        "garman_klass": (high - low) ** 2 / 2 - (2 * math.log(2) - 1) * day**2,
        "rogers_satchell": (high - close) * (high - open_) + (low - close) * (low - open_),
    }


def _intraday(logs: DataFrame, window: int) -> DataFrame:
    spec = last_sessions(window, "has_range")
    days = logs.withColumns({f"{name}_day": value for name, value in _day_variances().items()})
    return days.withColumns(
        {
            name: _when_covered(_annual(F.avg(f"{name}_day").over(spec)), "has_range", window)
            for name in _day_variances()
        }
    )


def _yang_zhang(days: DataFrame, window: int) -> DataFrame:
    """Yang and Zhang 2000: night variance, day variance and Rogers-Satchell, weighted by k."""
    spec = last_sessions(window, "has_night")
    k = 0.34 / (1.34 + (window + 1) / (window - 1))
    day = F.col("ln_close") - F.col("ln_open")
    variance = (
        F.var_samp("night").over(spec)
        + k * F.var_samp(day).over(spec)
        + (1 - k) * F.avg("rogers_satchell_day").over(spec)
    )
    return days.withColumn("yang_zhang", _when_covered(_annual(variance), "has_night", window))


def _annual(variance: Column) -> Column:
    # Rogers-Satchell can fall below zero by rounding on a flat day.
    return F.sqrt(F.greatest(variance, F.lit(0.0)) * ANNUAL_SESSIONS)
