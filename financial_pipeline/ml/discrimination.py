"""How well scores rank: ROC, AUC with its DeLong interval, KS, average precision (methodology 1.7).

Targets are 1 for bad, 0 for good; scores are higher for riskier loans. Every figure is None where
one of the classes is missing.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

CONFIDENCE: Final = 0.95
NORMAL_QUANTILE: Final = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True)
class RocCurve:
    """Rates at each distinct score, from the point (0, 0) at threshold infinity."""

    thresholds: Floats
    true_positive_rate: Floats
    false_positive_rate: Floats


def has_both_classes(target: ArrayLike) -> bool:
    """Whether there is at least one bad and one good loan."""
    bads, loans = int(np.sum(target)), len(np.asarray(target))
    return 0 < bads < loans


def auc(target: ArrayLike, score: ArrayLike) -> float | None:
    """Area under the ROC curve by mid-ranks (Mann-Whitney)."""
    return auc_from_ranks(target, scipy.stats.rankdata(score)) if has_both_classes(target) else None


def auc_from_ranks(target: ArrayLike, ranks: ArrayLike) -> float | None:
    """As `auc`, from ranks that are already there (average ranks from 1)."""
    if not has_both_classes(target):
        return None
    bad = np.asarray(target) == 1
    bads, goods = int(bad.sum()), int((~bad).sum())
    return float((np.asarray(ranks)[bad].sum() - bads * (bads + 1) / 2) / (bads * goods))


def auc_of_levels(loans: ArrayLike, bads: ArrayLike) -> float | None:
    """As `auc`, for scores with few levels: loans and bads of each level, in order of the score."""
    bad = np.asarray(bads, dtype=float)
    good = np.asarray(loans, dtype=float) - bad
    if bad.sum() == 0 or good.sum() == 0:
        return None
    goods_below = np.cumsum(good) - good
    return float(np.sum(bad * (goods_below + good / 2)) / (bad.sum() * good.sum()))


def auc_interval(target: ArrayLike, score: ArrayLike) -> tuple[float, float] | None:
    """95 % DeLong interval of the AUC, cut to [0, 1].

    The variance is that of DeLong, DeLong and Clarke-Pearson (1988), from placements computed by
    mid-ranks (Sun and Xu 2014). None where a class has fewer than two loans.
    """
    bad = np.asarray(target) == 1
    scores = np.asarray(score, dtype=float)
    bads, goods = int(bad.sum()), int((~bad).sum())
    if min(bads, goods) < 2:
        return None
    overall = scipy.stats.rankdata(scores)
    placement_bad = (overall[bad] - scipy.stats.rankdata(scores[bad])) / goods
    placement_good = 1 - (overall[~bad] - scipy.stats.rankdata(scores[~bad])) / bads
    area = float(placement_bad.mean())
    variance = placement_bad.var(ddof=1) / bads + placement_good.var(ddof=1) / goods
    half = NORMAL_QUANTILE * float(np.sqrt(variance))
    return max(0.0, area - half), min(1.0, area + half)


def roc_curve(target: ArrayLike, score: ArrayLike) -> RocCurve | None:
    """True and false positive rates at each distinct score; ties move diagonally."""
    if not has_both_classes(target):
        return None
    thresholds, bads, goods = _cumulative_counts(target, score)
    return RocCurve(
        np.concatenate([[np.inf], thresholds]),
        np.concatenate([[0.0], bads / bads[-1]]),
        np.concatenate([[0.0], goods / goods[-1]]),
    )


def ks(target: ArrayLike, score: ArrayLike) -> float | None:
    """Largest distance between the score distributions of bads and goods, at distinct scores."""
    curve = roc_curve(target, score)
    if curve is None:
        return None
    return float(np.abs(curve.true_positive_rate - curve.false_positive_rate).max())


def average_precision(target: ArrayLike, score: ArrayLike) -> float | None:
    """Sum of recall steps times precision, without interpolation."""
    if not has_both_classes(target):
        return None
    _, bads, goods = _cumulative_counts(target, score)
    steps = np.diff(np.concatenate([[0.0], bads / bads[-1]]))
    return float(np.sum(steps * bads / (bads + goods)))


def _cumulative_counts(target: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Distinct scores, highest first, with the bads and goods at or above each."""
    scores = np.asarray(score, dtype=float)
    order = np.argsort(-scores, kind="stable")
    ordered, bad = scores[order], np.asarray(target)[order] == 1
    last_of_tie = np.append(np.diff(ordered) != 0, True)
    bads = np.cumsum(bad, dtype=float)[last_of_tie]
    counts = np.flatnonzero(last_of_tie) + 1.0
    return ordered[last_of_tie], bads, counts - bads
