"""The weight-of-evidence scorecard, a challenger that can be read aloud (methodology 2.14, 2.15).

Written here in numpy: the binning library that could do it brings 300 MB of solvers, so it serves
the tests as a reference only. Points are not rounded, so that SQL and Python agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl
import scipy
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from financial_pipeline.ml.features import FEATURES, MISSING_LEVEL, present_features

Floats = NDArray[np.float64]
Target = NDArray[np.int8]

POINTS_TO_DOUBLE_ODDS: Final = 20.0
ANCHOR_SCORE: Final = 600.0
ANCHOR_ODDS: Final = 50.0
FACTOR: Final = POINTS_TO_DOUBLE_ODDS / float(np.log(2))
OFFSET: Final = ANCHOR_SCORE - FACTOR * float(np.log(ANCHOR_ODDS))

QUANTILE_BINS: Final = 10
# A number with fewer values than this is binned value by value (methodology 2, IV of term).
MAX_DISTINCT_VALUES: Final = 10
MIN_BIN_SHARE: Final = 0.05
# Bins of fewer loans are pooled: levels as "any other", numbers with their neighbour, and one that
# is still smaller (missing values, other levels) with the whole book, which is worth no points.
MIN_BIN_LOANS: Final = 50
# Every bin is smoothed by this many loans with the odds of the book.
PRIOR_LOANS: Final = 50
SMOOTHING: Final = 0.5


@dataclass(frozen=True)
class Characteristic:
    """One feature of the scorecard: its bins and the points of each.

    Numbers: bin i has values above `edges[i - 1]` up to `edges[i]`; levels: bin i is `levels[i]`.
    The last bin is for missing numbers, or for levels not listed.
    """

    feature: str
    edges: tuple[float, ...]
    levels: tuple[str, ...]
    loans: tuple[int, ...]
    defaults: tuple[int, ...]
    woe: tuple[float, ...]
    points: tuple[float, ...]
    information_value: float

    @property
    def is_numeric(self) -> bool:
        """Whether the bins are intervals."""
        return FEATURES[self.feature].is_numeric

    def bin_numbers(self, column: pl.Series) -> NDArray[np.int64]:
        """The bin of each value, from 0."""
        return _bin_numbers(column, self.edges, self.levels)


@dataclass(frozen=True)
class Scorecard:
    """Base points and one characteristic per feature; a higher score is a safer loan."""

    base_points: float
    characteristics: tuple[Characteristic, ...]

    def score(self, frame: pl.DataFrame) -> Floats:
        """Points of each row of `build_features` output."""
        total = np.full(frame.height, self.base_points)
        for item in self.characteristics:
            total += np.array(item.points)[item.bin_numbers(frame[item.feature])]
        return total

    def predict(self, frame: pl.DataFrame) -> Floats:
        """Probability of default of each row, as a fraction."""
        return probability(self.score(frame))


def points(pd: ArrayLike) -> Floats:
    """Score of a probability of default: 600 at odds 50:1, 20 points double the odds."""
    chance = np.asarray(pd, dtype=float)
    return np.asarray(OFFSET + FACTOR * np.log((1 - chance) / chance))


def probability(score: ArrayLike) -> Floats:
    """Probability of default of a score; the inverse of `points`."""
    return np.asarray(scipy.special.expit(-(np.asarray(score, dtype=float) - OFFSET) / FACTOR))


def weight_of_evidence(goods: ArrayLike, bads: ArrayLike) -> tuple[Floats, float]:
    """ln of good share over bad share per bin (positive is safer), and the information value.

    A bin without goods or without bads gets half a loan more of both; an empty bin weighs 0.
    """
    good, bad = np.asarray(goods, dtype=float), np.asarray(bads, dtype=float)
    half = SMOOTHING * ((good == 0) | (bad == 0))
    good_share, bad_share = (good + half) / good.sum(), (bad + half) / bad.sum()
    woe = np.where(good + bad > 0, np.log(good_share / bad_share), 0.0)
    return woe, float(np.sum((good_share - bad_share) * woe))


def smoothed_weights(goods: ArrayLike, bads: ArrayLike) -> Floats:
    """Weight of evidence per bin, smoothed towards the odds of the book; 0 for pooled bins.

    A bin counts PRIOR_LOANS more loans with the odds of all loans, so that a few outcomes move it
    little; one of fewer than MIN_BIN_LOANS has the odds of all loans. Both classes are needed.
    """
    good, bad = np.asarray(goods, dtype=float), np.asarray(bads, dtype=float)
    loans, rate = good + bad, bad.sum() / (good + bad).sum()
    odds = (good + PRIOR_LOANS * (1 - rate)) / (bad + PRIOR_LOANS * rate)
    return np.where(loans < MIN_BIN_LOANS, 0.0, np.log(odds * rate / (1 - rate)))


def fit_scorecard(frame: pl.DataFrame, target: Target, features: Sequence[str]) -> Scorecard:
    """Bin each feature on the training rows, weigh the bins, and fit a logit on the weights."""
    from sklearn.linear_model import LogisticRegression

    used, _ = present_features(frame, features)
    weighed = [_weigh(name, frame[name], target) for name in used]
    design = np.column_stack(
        [np.array(item.woe)[item.bin_numbers(frame[item.feature])] for item in weighed]
    )
    # Sums of several threads depend on their number, and so would the artifact.
    with threadpool_limits(limits=1):
        fit = LogisticRegression(C=1.0).fit(design, target)
    characteristics = [
        _with_points(item, float(weight))
        for item, weight in zip(weighed, fit.coef_[0], strict=True)
    ]
    base = OFFSET - FACTOR * float(fit.intercept_[0])
    return Scorecard(base, tuple(characteristics))


def scorecard_rows(card: Scorecard) -> list[dict[str, Any]]:
    """One row per bin, for people and for the published card."""
    return [
        {
            "feature": item.feature,
            "bin": number,
            "label": _label(item, number),
            "loans": item.loans[number],
            "defaults": item.defaults[number],
            "woe": item.woe[number],
            "points": item.points[number],
            "information_value": item.information_value,
        }
        for item in card.characteristics
        for number in range(len(item.points))
    ]


def _weigh(name: str, column: pl.Series, target: Target) -> Characteristic:
    edges = _edges(column, target) if FEATURES[name].is_numeric else ()
    levels = () if FEATURES[name].is_numeric else _levels(column)
    numbers = _bin_numbers(column, edges, levels)
    size = (len(edges) + 1 if FEATURES[name].is_numeric else len(levels)) + 1
    loans = np.bincount(numbers, minlength=size)
    bads = np.bincount(numbers, weights=target, minlength=size).astype(int)
    woe = smoothed_weights(loans - bads, bads)
    _, value = weight_of_evidence(loans - bads, bads)
    zeros = (0.0,) * size
    return Characteristic(
        name, edges, levels, tuple(loans.tolist()), tuple(bads.tolist()), tuple(woe.tolist()),
        zeros, value,
    )  # fmt: skip


def _with_points(item: Characteristic, weight: float) -> Characteristic:
    worth = tuple(-FACTOR * weight * woe for woe in item.woe)
    return replace(item, points=worth)


def _edges(column: pl.Series, target: Target) -> tuple[float, ...]:
    """Cuts halfway between neighbouring values, so that no rounding moves a loan over one."""
    known = column.drop_nulls().to_numpy()
    values = np.unique(known)
    cuts = np.arange(1, len(values))
    if len(values) >= MAX_DISTINCT_VALUES:
        shares = np.arange(1, QUANTILE_BINS) / QUANTILE_BINS
        cuts = np.unique(np.searchsorted(values, np.quantile(known, shares), side="right"))
        cuts = cuts[cuts < len(values)]
    edges = (values[cuts - 1] + values[cuts]) / 2
    counts = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
    return tuple(_without_small_bins(edges.tolist(), counts.tolist(), len(known)))


def _without_small_bins(edges: list[float], counts: list[int], loans: int) -> list[float]:
    """Merge bins under 5% of the known loans, or 50 loans, with their smaller neighbour."""
    while edges and min(counts) < max(MIN_BIN_SHARE * loans, MIN_BIN_LOANS):
        small = counts.index(min(counts))
        neighbours = [i for i in (small - 1, small + 1) if 0 <= i < len(counts)]
        other = min(neighbours, key=lambda i: counts[i])
        left = min(small, other)
        counts[left] += counts.pop(left + 1)
        edges.pop(left)
    return edges


def _levels(column: pl.Series) -> tuple[str, ...]:
    counts = column.value_counts()
    return tuple(sorted(counts.filter(pl.col("count") >= MIN_BIN_LOANS)[column.name].to_list()))


def _bin_numbers(
    column: pl.Series, edges: tuple[float, ...], levels: tuple[str, ...]
) -> NDArray[np.int64]:
    if column.dtype == pl.String:
        numbers = {level: number for number, level in enumerate(levels)}
        coded = column.replace_strict(numbers, default=len(levels), return_dtype=pl.Int64)
        return coded.to_numpy()
    values = column.to_numpy()
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))


def _label(item: Characteristic, number: int) -> str:
    if not item.is_numeric:
        return item.levels[number] if number < len(item.levels) else "any other"
    if number == len(item.edges) + 1:
        return MISSING_LEVEL
    low = f"above {item.edges[number - 1]:.6g}" if number else ""
    high = f"up to {item.edges[number]:.6g}" if number < len(item.edges) else ""
    return " ".join(part for part in (low, high) if part) or "any value"
