"""Historical value at risk and expected shortfall, and whether past forecasts held."""

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from financial_pipeline.spark.inference import chi_square_tail_1, chi_square_tail_2
from financial_pipeline.spark.returns import (
    all_observations,
    in_order,
    last_sessions,
    when_covered,
)

WINDOW: Final = 250
CONFIDENCE: Final = 0.95
# A gain in log likelihood below this is rounding.
ROUNDING: Final = 1e-11


def tail_losses(
    returns: DataFrame,
    *,
    window: int = WINDOW,
    confidence: float = CONFIDENCE,
    first: date | None = None,
) -> DataFrame:
    """Adds value_at_risk and expected_shortfall of the last `window` sessions; losses are positive.

    The quantile interpolates linearly (type 7); the shortfall is the mean of the returns at or
    below it (methodology 3.2). The shortfall, which no backtest reads, is null before `first`.
    """
    recent = F.collect_list("simple_return").over(last_sessions(window))
    tail = when_covered(F.sort_array(recent), "has_return", window)
    last_place = F.size("sorted") - 1
    position = last_place * F.lit(1 - confidence)
    below = F.floor(position).cast("int")
    lower, upper = F.col("sorted")[below], F.col("sorted")[F.least(below + 1, last_place)]
    losses = returns.withColumn("sorted", tail).withColumn(
        "quantile", lower + (upper - lower) * (position - below)
    )
    worst = F.filter("sorted", lambda value: value <= F.col("quantile"))
    is_asked = F.lit(True) if first is None else F.col("session_date") >= F.lit(first)
    total = F.aggregate(worst, F.lit(0.0), lambda sum_, value: sum_ + value)
    return losses.withColumns(
        {
            "value_at_risk": -F.col("quantile"),
            "expected_shortfall": F.when(is_asked, -total / F.size(worst)),
        }
    ).drop("sorted", "quantile")


def backtests(losses: DataFrame) -> DataFrame:
    """Adds the Kupiec, Christoffersen and joint tests of all forecasts so far (methodology 3.4).

    A hit is a return below minus the value at risk of the session before; a return whose session
    before has no forecast is not counted.
    """
    order = in_order("has_return")
    so_far = all_observations()
    follows = F.col("session_number") - F.lag("session_number").over(order) == 1
    forecast = F.when(follows, F.lag("value_at_risk").over(order))
    dated = losses.withColumn("hit", (F.col("simple_return") < -forecast).cast("int"))
    paired = dated.withColumn("hit_before", F.when(follows, F.lag("hit").over(order)))

    def pairs(before: int, now: int) -> Column:
        is_pair = (F.col("hit_before") == before) & (F.col("hit") == now)
        return F.count_if(is_pair).over(so_far)

    counted = paired.withColumns(
        {
            "forecasts": F.count("hit").over(so_far),
            "hits": F.coalesce(F.sum("hit").over(so_far), F.lit(0)),
            **{f"n{before}{now}": pairs(before, now) for before in (0, 1) for now in (0, 1)},
        }
    )
    tested = counted.withColumns(
        {
            "kupiec": kupiec_statistic(F.col("forecasts"), F.col("hits"), 1 - CONFIDENCE),
            "christoffersen": christoffersen_statistic(*map(F.col, ("n00", "n01", "n10", "n11"))),
        }
    )
    return tested.withColumns(_results()).drop("hit", "hit_before", "n00", "n01", "n10", "n11")


def _results() -> dict[str, Column]:
    joint = F.col("kupiec") + F.col("christoffersen")
    return {
        "kupiec_statistic": F.col("kupiec"),
        "kupiec_p_value": chi_square_tail_1(F.col("kupiec")),
        "christoffersen_statistic": F.col("christoffersen"),
        "christoffersen_p_value": chi_square_tail_1(F.col("christoffersen")),
        "conditional_coverage_statistic": joint,
        "conditional_coverage_p_value": chi_square_tail_2(joint),
    }


def _gain(count: Column, fitted: Column, assumed: Column) -> Column:
    """count x ln(fitted / assumed), where zero times ln(0) is zero."""
    return F.when(count > 0, count * F.ln(fitted / assumed)).otherwise(F.lit(0.0))


def _share(part: Column, rest: Column) -> Column:
    return F.when(part + rest > 0, part / (part + rest)).otherwise(F.lit(0.0))


def _likelihood_ratio(gain: Column) -> Column:
    # Equal likelihoods differ by rounding only.
    return F.when(gain > ROUNDING, 2 * gain).otherwise(F.lit(0.0))


def kupiec_statistic(forecasts: Column, hits: Column, expected: float) -> Column:
    """Likelihood ratio of unconditional coverage; null before the first forecast (Kupiec 1995)."""
    misses = forecasts - hits
    rate = _share(hits, misses)
    gain = _gain(misses, 1 - rate, F.lit(1 - expected)) + _gain(hits, rate, F.lit(expected))
    return F.when(forecasts > 0, _likelihood_ratio(gain))


def christoffersen_statistic(n00: Column, n01: Column, n10: Column, n11: Column) -> Column:
    """Likelihood ratio of independent hits; n_ab counts b after a (Christoffersen 1998)."""
    overall, after_miss, after_hit = (
        _share(n01 + n11, n00 + n10),
        _share(n01, n00),
        _share(n11, n10),
    )
    gain = (
        _gain(n00, 1 - after_miss, 1 - overall)
        + _gain(n01, after_miss, overall)
        + _gain(n10, 1 - after_hit, 1 - overall)
        + _gain(n11, after_hit, overall)
    )
    return F.when(n00 + n01 + n10 + n11 > 0, _likelihood_ratio(gain))
