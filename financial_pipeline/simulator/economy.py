"""The simulated economy: growth, unemployment, consumer prices and rates, month by month.

This module draws the events; when each figure was published and how it was revised is in
`macro.py`, which also writes the files.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Part of every random stream's key; this one gives the default seed a 2008 crisis like ours.
STREAM_KEY: Final = 30

FIRST_MONTH: Final = np.datetime64("1990-01", "M")
LAST_MONTH: Final = np.datetime64("2024-12", "M")
MONTH: Final = np.timedelta64(1, "M")

# (first month, last month) of the two recessions that every simulated world shares with ours.
FIXED_RECESSIONS: Final = (("2001-03", "2001-11"), ("2007-12", "2009-06"))
# Annualised growth in per cent: normal times, the fixed recessions (the 2008 one deeper) and
# the random ones, which are kept mild so that unemployment stays in a plausible band.
EXPANSION_GROWTH: Final = 3.9
FIXED_GROWTH: Final = (-1.5, -6.5)
RANDOM_GROWTH: Final = 1.5
RANDOM_RECESSION_PROBABILITY: Final = 0.02
RANDOM_RECESSION_MONTHS: Final = 12
GROWTH_AR1: Final = 0.41
GROWTH_NOISE_SD: Final = 1.4

# Okun's law by quarter (methodology 7.4): change of the rate in points on annualised growth.
OKUN_INTERCEPT: Final = 0.23
OKUN_SLOPE: Final = -0.0756
OKUN_NOISE_SD: Final = 0.21
# Share of last month's change that carries over, and the mean reversion to the long-run rate.
UNEMPLOYMENT_INERTIA: Final = 0.3
UNEMPLOYMENT_MEAN: Final = 5.7
UNEMPLOYMENT_PULL: Final = 0.015
UNEMPLOYMENT_START: Final = 5.4
UNEMPLOYMENT_FLOOR: Final = 3.0

CPI_START: Final = 127.5
# Monthly change in per cent; a little inertia lifts the spread of the yearly rate to 1.26.
CPI_MEAN: Final = 0.20
CPI_NOISE_SD: Final = 0.24
CPI_AR1: Final = 0.35

BILL_NOISE_AR1: Final = 0.98
BILL_NOISE_SD: Final = 0.17


@dataclass(frozen=True)
class Economy:
    """One value per month; growth is annualised per cent and constant within a quarter."""

    months: NDArray[np.datetime64]
    growth: FloatArray
    unemployment: FloatArray
    # Consumer price index as first published, and the bill rate on a discount basis in per cent.
    price_index: FloatArray
    bill_rate: FloatArray


def simulate_economy(seed: int) -> Economy:
    """Draw the economy of one seed, 1990-01 to 2024-12."""
    streams = [np.random.default_rng([seed, STREAM_KEY, stream]) for stream in range(4)]
    months = np.arange(FIRST_MONTH, LAST_MONTH + MONTH)
    growth = _growth(months, streams[0])
    unemployment = _unemployment(growth, streams[1])
    return Economy(
        months=months,
        growth=growth,
        unemployment=unemployment,
        price_index=_price_index(len(months), streams[2]),
        bill_rate=_bill_rate(unemployment, streams[3]),
    )


def _autoregression(coefficient: float, shocks: FloatArray) -> FloatArray:
    """x[t] = coefficient * x[t-1] + shocks[t], started at the first shock."""
    return np.asarray(scipy.signal.lfilter([1.0], [1.0, -coefficient], shocks))


def _regime_means(months: NDArray[np.datetime64], rng: np.random.Generator) -> FloatArray:
    """Mean growth of each month: expansion, a fixed recession, or a random mild one."""
    means = np.full(len(months), EXPANSION_GROWTH)
    starts = rng.random(len(months)) < RANDOM_RECESSION_PROBABILITY
    for start in np.flatnonzero(starts):
        means[start : start + RANDOM_RECESSION_MONTHS] = RANDOM_GROWTH
    for (first, last), level in zip(FIXED_RECESSIONS, FIXED_GROWTH, strict=True):
        inside = (months >= np.datetime64(first)) & (months <= np.datetime64(last))
        means[inside] = level
    return means


def _growth(months: NDArray[np.datetime64], rng: np.random.Generator) -> FloatArray:
    quarterly_means = _regime_means(months, rng).reshape(-1, 3).mean(axis=1)
    noise = _autoregression(GROWTH_AR1, rng.normal(0.0, GROWTH_NOISE_SD, len(quarterly_means)))
    growth: FloatArray = np.repeat(quarterly_means + noise, 3)
    return growth


def _unemployment(growth: FloatArray, rng: np.random.Generator) -> FloatArray:
    okun = (OKUN_INTERCEPT + OKUN_SLOPE * growth) / 3
    shocks = okun + rng.normal(0.0, OKUN_NOISE_SD / np.sqrt(3), len(growth))
    path = np.empty(len(growth))
    level, change = UNEMPLOYMENT_START, 0.0
    for step, shock in enumerate(shocks):
        pull = UNEMPLOYMENT_PULL * (UNEMPLOYMENT_MEAN - level)
        change = UNEMPLOYMENT_INERTIA * change + (1 - UNEMPLOYMENT_INERTIA) * shock
        level = max(UNEMPLOYMENT_FLOOR, level + change + pull)
        path[step] = level
    return path


def _price_index(months: int, rng: np.random.Generator) -> FloatArray:
    innovation = CPI_NOISE_SD * np.sqrt(1 - CPI_AR1**2)
    changes = CPI_MEAN + _autoregression(CPI_AR1, rng.normal(0.0, innovation, months))
    index: FloatArray = CPI_START * np.cumprod(1 + changes / 100) / (1 + changes[0] / 100)
    return index


def _bill_rate(unemployment: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Monthly bill rate in per cent (methodology 7.4)."""
    noise = _autoregression(BILL_NOISE_AR1, rng.normal(0.0, BILL_NOISE_SD, len(unemployment)))
    return np.maximum(0.0, 1.5 + 0.8 * (5.5 - unemployment) + noise)
