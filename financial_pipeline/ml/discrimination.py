"""How well scores rank: ROC, AUC with its DeLong interval, KS, average precision (methodology 1.7).

Targets are 1 for bad, 0 for good; scores are higher for riskier loans. Every figure is None if one
of the classes is missing.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from financial_pipeline.schemas.intervals import Z_95

Floats = NDArray[np.float64]

# Quantile of the normal distribution at 99 %.
Z_99_ONE_SIDED: Final = 2.3263478740408408
# The bound is searched up to this far under the estimate: at 1 the error is 0 and so is the excess.
BOUND_TOLERANCE: Final = 1e-12


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


def auc(target: ArrayLike, score: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Return the area under the ROC curve; `weights` are the loans of each entry, else one."""
    from sklearn.metrics import roc_auc_score

    if not has_both_classes(target):
        return None
    return float(roc_auc_score(target, score, sample_weight=weights))


def auc_of_levels(loans: ArrayLike, bads: ArrayLike) -> float | None:
    """Return the AUC of a score with few levels, from loans and bads per level in score order."""
    bad = np.asarray(bads, dtype=float)
    good = np.asarray(loans, dtype=float) - bad
    if bad.sum() == 0 or good.sum() == 0:
        return None
    levels = np.arange(len(bad))
    classes = np.repeat([1, 0], len(bad))
    return auc(classes, np.tile(levels, 2), weights=np.concatenate([bad, good]))


def auc_interval(target: ArrayLike, score: ArrayLike) -> tuple[float, float] | None:
    """95 % DeLong interval of the AUC, cut to [0, 1].

    The variance is that of DeLong, DeLong and Clarke-Pearson (1988), from placements computed by
    mid-ranks (Sun and Xu 2014). None if a class has fewer than two loans.
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
    half = Z_95 * float(np.sqrt(variance))
    return max(0.0, area - half), min(1.0, area + half)


def auc_lower_bound(area: float, bads: int, goods: int) -> float:
    """One-sided 99 % lower bound of an AUC, for testing whether it exceeds a limit.

    The Wilson-type bound of Newcombe (2006) with the error of Hanley and McNeil (1982): unlike
    DeLong's, it stays wide if a few bads all score higher than every good. 0 if a class is missing.
    """
    if min(bads, goods) < 1 or area <= 0:
        return 0.0

    def excess(true: float) -> float:
        return area - true - Z_99_ONE_SIDED * _auc_error(true, bads, goods)

    return float(scipy.optimize.brentq(excess, 0.0, area - BOUND_TOLERANCE))


def _auc_error(area: float, bads: int, goods: int) -> float:
    """Hanley-McNeil standard error of the AUC if its true value is `area`."""
    two_bads, two_goods = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (bads - 1) * (two_bads - area**2) + (goods - 1) * (two_goods - area**2)
    return float(np.sqrt(max(area * (1 - area) + spread, 0.0) / (bads * goods)))


def roc_curve(target: ArrayLike, score: ArrayLike) -> RocCurve | None:
    """Return true and false positive rates at each distinct score; ties move diagonally."""
    from sklearn import metrics

    if not has_both_classes(target):
        return None
    false_rate, true_rate, thresholds = metrics.roc_curve(target, score, drop_intermediate=False)
    return RocCurve(thresholds, true_rate, false_rate)


def ks(target: ArrayLike, score: ArrayLike) -> float | None:
    """Return the largest distance between the score distributions of bads and goods."""
    curve = roc_curve(target, score)
    if curve is None:
        return None
    return float(np.abs(curve.true_positive_rate - curve.false_positive_rate).max())


def average_precision(target: ArrayLike, score: ArrayLike) -> float | None:
    """Return the sum of recall steps times precision, without interpolation."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(target, score)) if has_both_classes(target) else None
