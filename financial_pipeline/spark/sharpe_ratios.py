"""Sharpe ratios over a dated bill rate, rolling and since the first session, with their error."""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.schemas.metrics import SHARPE_RATIOS
from financial_pipeline.spark.bill_rate import bill_returns
from financial_pipeline.spark.contract import write_columns
from financial_pipeline.spark.returns import (
    ANNUAL_SESSIONS,
    FLAT_DEVIATION,
    all_observations,
    in_order,
    simple_returns,
)
from financial_pipeline.spark.rolling_moments import LastSessions, with_totals

WINDOW: Final = 252
ROOT_YEAR: Final = ANNUAL_SESSIONS**0.5


def sharpe_ratios(
    prices: DataFrame, indicators: DataFrame, first: date, last: date, *, window: int = WINDOW
) -> DataFrame:
    """Annualised Sharpe ratios on excess returns (methodology 3.2 to 3.4).

    `prices` is fct_daily_prices from the first session to `last`, `indicators` is
    agg_macro_indicators. A flat window has no ratio; `excess_note` is why a session has no
    excess return.
    """
    returns = simple_returns(prices)
    excess = returns.join(
        F.broadcast(bill_returns(returns, indicators)), "session_date", "left"
    ).withColumn("excess_return", F.col("simple_return") - F.col("bill_return"))
    flagged = excess.withColumn("has_excess", F.col("excess_return").isNotNull()).withColumn(
        "excess_note",
        F.when(F.col("simple_return").isNull(), F.col("return_note")).otherwise(F.col("bill_note")),
    )
    rolling = _rolling(flagged, window)
    return write_columns(_full(rolling), SHARPE_RATIOS, first, last)


def _standard_error(sharpe: Column, observations: Column) -> Column:
    """Annualised error of a daily Sharpe ratio of independent normal returns (Lo 2002)."""
    return F.lit(ROOT_YEAR) * F.sqrt((1 + sharpe * sharpe / 2) / observations)


def _rolling(excess: DataFrame, count: int) -> DataFrame:
    order = in_order("has_excess")
    recent = LastSessions(order, count)
    deviation = recent.deviation("excess_return")
    daily = F.when(deviation > FLAT_DEVIATION, recent.mean("excess_return") / deviation)
    ratios = with_totals(excess, order, "excess_return").withColumn("daily", daily)
    return ratios.withColumns(
        {
            "sharpe_252d": F.col("daily") * ROOT_YEAR,
            "sharpe_252d_standard_error": _standard_error(F.col("daily"), recent.observations()),
            "excess_returns_252d": F.when(F.col("has_excess"), recent.observations()),
        }
    )


def _full(excess: DataFrame) -> DataFrame:
    window = all_observations("has_excess")
    value = F.col("excess_return")
    moments = excess.withColumns(
        {
            "observations": F.count("excess_return").over(window),
            "deviation": F.stddev_samp(value).over(window),
            "mean": F.avg(value).over(window),
            "skewness": F.skewness(value).over(window),
            "excess_kurtosis": F.kurtosis(value).over(window),
            "downside": F.sqrt(F.avg(F.pow(F.least(value, F.lit(0.0)), 2)).over(window)),
            "growth": F.product(1 + F.col("simple_return")).over(all_observations()),
            "returns": F.count("simple_return").over(all_observations()),
        }
    )
    present, count = F.col("excess_return").isNotNull(), F.col("observations")
    daily = F.when(F.col("deviation") > FLAT_DEVIATION, F.col("mean") / F.col("deviation"))
    # Mertens 2002, Opdyke 2007; Spark's kurtosis is in excess of the normal three.
    spread = 1 + daily**2 / 2 - daily * F.col("skewness") + daily**2 * F.col("excess_kurtosis") / 4
    return moments.withColumns(
        {
            "sharpe_full": daily * ROOT_YEAR,
            "sharpe_full_standard_error": F.when(present, _standard_error(daily, count)),
            "sharpe_full_standard_error_mertens": F.when(
                present, F.sqrt(spread / count) * ROOT_YEAR
            ),
            "sortino_full": F.when(
                F.col("downside") > FLAT_DEVIATION, F.col("mean") / F.col("downside") * ROOT_YEAR
            ),
            "annual_growth_full": F.when(
                F.col("returns") > 0, F.pow("growth", ANNUAL_SESSIONS / F.col("returns")) - 1
            ),
        }
    )
