"""Intervals and tail probabilities as Spark column expressions."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from pyspark.sql import Column
from pyspark.sql import functions as F

from financial_pipeline.schemas.intervals import Z_95
from financial_pipeline.spark.contract import ratio

# Cody's three ranges, each with its coefficients from the highest power down.
SMALL_ARGUMENT: Final = 0.46875
LARGE_ARGUMENT: Final = 4.0
ERF_TOP: Final = (
    1.85777706184603153e-1,
    3.16112374387056560,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
ERF_BOTTOM: Final = (
    1.0,
    2.36012909523441209e1,
    2.44024637934444173e2,
    1.28261652607737228e3,
    2.84423683343917062e3,
)
ERFC_TOP: Final = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
ERFC_BOTTOM: Final = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)
TAIL_TOP: Final = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
TAIL_BOTTOM: Final = (
    1.0,
    2.56852019228982242,
    1.87295284992346725,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)


class Interval(NamedTuple):
    """A share with its 95% Wilson interval."""

    share: Column
    low: Column
    high: Column


def wilson(successes: Column, trials: Column) -> Interval:
    """The share of successes and its 95% Wilson interval; nulls if there was no trial.

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
    """P(X > statistic) for a chi-square variable with one degree of freedom: erfc(sqrt(x / 2)).

    Spark has no error function. This is Cody 1969 (Mathematics of Computation 23), three rational
    approximations good to double precision.
    """
    square = statistic / 2
    root = F.sqrt(square)
    small = 1 - root * _rational(square, ERF_TOP, ERF_BOTTOM)
    middle = F.exp(-square) * _rational(root, ERFC_TOP, ERFC_BOTTOM)
    inverse = 1 / square
    series = inverse * _rational(inverse, TAIL_TOP, TAIL_BOTTOM)
    far = F.exp(-square) * (1 / math.sqrt(math.pi) - series) / root
    return (
        F.when(root <= SMALL_ARGUMENT, small)
        .when(root <= LARGE_ARGUMENT, middle)
        .when(root > LARGE_ARGUMENT, far)
    )


def _rational(argument: Column, top: Sequence[float], bottom: Sequence[float]) -> Column:
    """A ratio of two polynomials, coefficients from the highest power down."""
    return _polynomial(argument, top) / _polynomial(argument, bottom)


def _polynomial(argument: Column, coefficients: Sequence[float]) -> Column:
    value = F.lit(coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * argument + coefficient
    return value


def chi_square_tail_2(statistic: Column) -> Column:
    """P(X > statistic) for a chi-square variable with two degrees of freedom: exp(-x/2)."""
    return F.exp(-statistic / 2)
