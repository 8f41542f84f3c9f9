"""Inference for a correlation of two monthly series: HAC, block bootstrap, many tests at once.

Plain numpy on arrays of months. Source of the choices: methodology 4.4.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from financial_pipeline.schemas.intervals import Z_95

Vector = NDArray[np.float64]

DRAWS: Final = 2000
SEED: Final = 20_190_331
# Below this deviation a series is flat.
FLAT: Final = 1e-12


@dataclass(frozen=True)
class HacResult:
    """A correlation's Newey-West interval and two-sided p-value."""

    low: float
    high: float
    p_value: float


def correlation(x: Vector, y: Vector) -> float | None:
    """Pearson correlation; null if a series is flat."""
    if min(x.std(), y.std()) < FLAT:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def newey_west_lags(months: int) -> int:
    """The usual bandwidth, floor(4 (n / 100)^(2/9))."""
    return math.floor(4 * math.pow(months / 100, 2 / 9))


def hac(x: Vector, y: Vector, lags: int) -> HacResult:
    """Interval of the slope of standardised OLS with Bartlett weights and small-sample factor.

    Equals statsmodels `OLS.fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction":
    True})`.
    """
    months = len(x)
    x, y = (x - x.mean()) / x.std(ddof=1), (y - y.mean()) / y.std(ddof=1)
    slope = float(x @ y / (x @ x))
    # With a centred x the slope's variance needs no matrix.
    scores = x * (y - slope * x)
    total = scores @ scores
    for lag in range(1, min(lags, months - 1) + 1):
        total += 2 * (1 - lag / (lags + 1)) * (scores[lag:] @ scores[:-lag])
    variance = max(float(total), 0.0) / float(x @ x) ** 2 * months / (months - 2)
    error = math.sqrt(variance)
    p_value = 2 * float(scipy.stats.norm.sf(abs(slope) / error)) if error > 0 else 0.0
    return HacResult(slope - Z_95 * error, slope + Z_95 * error, p_value)


def block_length(values: Vector) -> float:
    """Expected block, in months, of the stationary bootstrap for one series.

    Source: Politis and White 2004 with the correction of Patton, Politis and White 2009; the steps
    are those of `arch.bootstrap.optimal_block_length`, column `stationary`.
    """
    months = len(values)
    centred = values - values.mean()
    run = max(5, int(math.log10(months)))
    longest = min(math.ceil(math.sqrt(months)) + run, months - 1)
    covariances = np.array([centred[lag:] @ centred[: months - lag] for lag in range(longest + 1)])
    covariances = covariances / months
    first = _first_insignificant_lag(covariances, months, run)
    width = longest if first is None else min(2 * first, longest)
    lags = np.arange(1, width + 1)
    # A flat-top window: full weight up to one half, then falling to zero.
    window = np.minimum(1.0, 2 * (1 - lags / width))
    slope = 2 * float((window * lags) @ covariances[lags])
    level = float(covariances[0] + 2 * window @ covariances[lags])
    if level == 0:
        return 1.0
    bound = math.ceil(min(3 * math.sqrt(months), months / 3))
    return min(math.pow((slope / level) ** 2 * months, 1 / 3), bound)


def _first_insignificant_lag(covariances: Vector, months: int, run: int) -> int | None:
    """The first lag that starts `run` insignificant autocorrelations, null if there is none."""
    bound = 2 * math.sqrt(math.log10(months) / months)
    small = np.abs(covariances / covariances[0]) < bound
    starts = range(1, len(covariances) - run)
    return next((lag for lag in starts if small[lag : lag + run].all()), None)


@lru_cache(maxsize=64)
def _resample_counts(months: int, block: int) -> Vector:
    """Count how often each draw of a stationary bootstrap takes each month; DRAWS x months.

    A block continues with the next month, around the end, with probability 1 - 1 / block.
    """
    random = np.random.default_rng([SEED, months, block])
    starts = random.integers(0, months, size=(DRAWS, months))
    breaks = random.random((DRAWS, months)) < 1 / block
    breaks[:, 0] = True
    place = np.arange(months)
    since = place - np.maximum.accumulate(np.where(breaks, place, 0), axis=1)
    taken = (np.take_along_axis(starts, place - since, axis=1) + since) % months
    flat = taken + months * np.arange(DRAWS)[:, None]
    counts = np.bincount(flat.ravel(), minlength=DRAWS * months)
    return counts.reshape(DRAWS, months).astype(np.float64)


def bootstrap_intervals(pairs: Sequence[tuple[Vector, Vector, int]]) -> list[tuple[float, float]]:
    """95% percentile intervals of correlations under a stationary block bootstrap.

    Each pair is two series and their expected block in months. Pairs of equal length and block see
    the same draws; equal inputs give equal intervals.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for place, (x, _, block) in enumerate(pairs):
        groups.setdefault((len(x), block), []).append(place)
    intervals: dict[int, tuple[float, float]] = {}
    for (months, block), places in groups.items():
        counts = _resample_counts(months, block)
        drawn = _drawn_correlations(counts, [pairs[place][:2] for place in places])
        low, high = _percentiles(drawn, (0.025, 0.975))
        bounds = zip(np.maximum(low, -1.0).tolist(), np.minimum(high, 1.0).tolist(), strict=True)
        intervals.update(zip(places, bounds, strict=True))
    return [intervals[place] for place in range(len(pairs))]


def _percentiles(drawn: Vector, shares: tuple[float, float]) -> Vector:
    """Percentiles (linear, shares x pairs) of each column; draws that are NaN are left out."""
    # The version that looks for NaN works column by column and takes ten times as long.
    quantile = np.nanquantile if np.isnan(drawn).any() else np.quantile
    return np.asarray(quantile(drawn, shares, axis=0), dtype=np.float64)


def _drawn_correlations(counts: Vector, pairs: Sequence[tuple[Vector, Vector]]) -> Vector:
    """The correlation of every draw and pair (draws x pairs), from resampled sums of products."""
    x = np.column_stack([(x - x.mean()) / x.std() for x, _ in pairs])
    y = np.column_stack([(y - y.mean()) / y.std() for _, y in pairs])
    means = counts @ np.hstack([x, y, x * y, x * x, y * y]) / counts.shape[1]
    mean_x, mean_y, cross, square_x, square_y = np.hsplit(means, 5)
    spread = (square_x - mean_x**2) * (square_y - mean_y**2)
    drawn = (cross - mean_x * mean_y) / np.sqrt(np.where(spread > FLAT, spread, np.nan))
    return np.asarray(drawn, dtype=np.float64)
