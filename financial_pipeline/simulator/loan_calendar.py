"""Months of the simulated loan book: how many loans each issue month has, and month arithmetic.

A month is an integer, `12 * year + month - 1`, so that distances are differences.
"""

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

IntArray = npt.NDArray[np.int64]

# Loans per issue year of the real file, those outside the credit policy included
# (methodology 7.1 and 1.6); the simulated book has the same shape.
YEAR_LOANS: Final = {
    2007: 603,
    2008: 2_393,
    2009: 5_281,
    2010: 12_537,
    2011: 21_721,
    2012: 53_367,
    2013: 134_804,
    2014: 235_629,
    2015: 421_095,
    2016: 434_407,
    2017: 443_579,
    2018: 495_140,
}
# Months of a year differ by a tenth: most loans are issued in the middle of the year.
SEASONAL_SWING: Final = 0.1
_MONTH_NAMES: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_TEXT_FIRST_YEAR: Final = 1940
_TEXT_YEARS: Final = 100


def month_number(day: date) -> int:
    """The month of a day as an integer."""
    return 12 * day.year + day.month - 1


def month_start(month: int) -> date:
    """The first day of a month."""
    return date(month // 12, month % 12 + 1, 1)


FIRST_ISSUE_MONTH: Final = month_number(date(2007, 6, 1))
LAST_ISSUE_MONTH: Final = month_number(date(2018, 12, 1))


def issue_months(first: int, last: int, loans: int) -> IntArray:
    """Issue months of the loans numbered `first` (inclusive) to `last` (exclusive) of `loans`.

    Loans are numbered in issue order; the months are shared out by fixed weights, so the month of
    a loan depends on its number and the size of the book only.
    """
    months = np.arange(FIRST_ISSUE_MONTH, LAST_ISSUE_MONTH + 1)
    season = 1 + SEASONAL_SWING * np.sin(2 * np.pi * (months % 12 - 2) / 12)
    weights = season.copy()
    for year, count in YEAR_LOANS.items():
        in_year = months // 12 == year
        weights[in_year] *= count / season[in_year].sum()
    ends = np.floor(np.cumsum(weights) / weights.sum() * loans + 0.5)
    positions = np.searchsorted(ends, np.arange(first, last), side="right")
    return months[positions].astype(np.int64)


def by_year(values: dict[int, float], issue: IntArray) -> npt.NDArray[np.float64]:
    """The value of the first year in `values` (ascending) that is not before the issue year."""
    positions = np.searchsorted(np.array(list(values)), issue // 12)
    return np.array(list(values.values()))[positions]


_TEXTS: Final = pl.Series(
    [
        f"{name}-{year}"
        for year in range(_TEXT_FIRST_YEAR, _TEXT_FIRST_YEAR + _TEXT_YEARS)
        for name in _MONTH_NAMES
    ],
    dtype=pl.String,
)


def month_texts(months: IntArray, missing: npt.NDArray[np.bool_] | None = None) -> pl.Series:
    """Months in upstream form, `Dec-2015`; null if `missing`."""
    positions = pl.Series(months - 12 * _TEXT_FIRST_YEAR, dtype=pl.Int64)
    if missing is not None:
        positions = positions.set(pl.Series(missing), None)
    return _TEXTS.gather(positions)
