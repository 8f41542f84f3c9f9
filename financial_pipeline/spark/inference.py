"""Intervals and tail probabilities as Spark column expressions."""

import math
from typing import Final, NamedTuple

from pyspark.sql import Column
from pyspark.sql import functions as F

from financial_pipeline.spark.contract import ratio

# Two-sided 95 % of the normal distribution.
Z_95: Final = 1.959964
# Beyond this argument the normal tail is below double precision.
FAR_TAIL: Final = 6.0
SERIES_TERMS: Final = 100


class Interval(NamedTuple):
    """A share with its 95 % Wilson interval."""

    share: Column
    low: Column
    high: Column


def wilson(successes: Column, trials: Column) -> Interval:
    """The share of successes and its 95 % Wilson interval; nulls where there was no trial.

    Source: Wilson 1927; methodology section 0.
    """
    n = trials.cast("double")
    share = ratio(successes, n)
    spread = 1 + ratio(F.lit(Z_95**2), n)
    centre = (share + ratio(F.lit(Z_95**2 / 2), n)) / spread
    variance = ratio(share * (1 - share), n) + ratio(F.lit(Z_95**2 / 4), n * n)
    half = Z_95 / spread * F.sqrt(variance)
    return Interval(share, centre - half, centre + half)


def chi_square_tail_1(statistic: Column) -> Column:
    """P(X > statistic) for a chi-square variable with one degree of freedom.

    This is erfc(sqrt(x / 2)). Spark has no error function, so it is one minus the series
    erf(z) = 2/sqrt(pi) exp(-z^2) sum 2^n z^(2n+1) / (2n+1)!!, whose terms are all positive
    (Abramowitz and Stegun 7.1.6).
    """
    square = statistic / 2
    first = F.struct(F.sqrt(square).alias("term"), F.sqrt(square).alias("total"))

    def add_term(state: Column, n: Column) -> Column:
        term = state["term"] * 2 * square / (2 * n + 1)
        return F.struct(term.alias("term"), (state["total"] + term).alias("total"))

    series = F.aggregate(
        F.sequence(F.lit(1), F.lit(SERIES_TERMS)), first, add_term, lambda state: state["total"]
    )
    tail = 1 - 2 / math.sqrt(math.pi) * F.exp(-square) * series
    return F.when(square > FAR_TAIL**2, F.lit(0.0)).when(statistic >= 0, F.greatest(tail, F.lit(0)))


def chi_square_tail_2(statistic: Column) -> Column:
    """P(X > statistic) for a chi-square variable with two degrees of freedom: exp(-x/2)."""
    return F.exp(-statistic / 2)
