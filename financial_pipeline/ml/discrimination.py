"""Ranking of scores: ROC, AUC with its DeLong interval, KS, average precision (methodology 1.7).

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

# Quantile of the normal distribution at 99%.
Z_99_ONE_SIDED: Final = 2.3263478740408408
# The bound is searched up to this far under the estimate: at 1 the error is 0 and so is the excess.
BOUND_TOLERANCE: Final = 1e-12


@dataclass(frozen=True)
class RocCurve:
    """Rates at each distinct score, from the point (0, 0) at threshold infinity."""

    thresholds: Floats
    true_positive_rate: Floats
    false_positive_rate: Floats
    bads: int
    goods: int

    @property
    def area(self) -> float:
        """The AUC."""
        from sklearn.metrics import auc as area_under

        return float(area_under(self.false_positive_rate, self.true_positive_rate))

    @property
    def ks(self) -> float:
        """The largest distance between the score distributions of bads and goods."""
        return float(np.abs(self.true_positive_rate - self.false_positive_rate).max())

    @property
    def average_precision(self) -> float:
        """The sum of recall steps times precision, without interpolation."""
        caught = self.true_positive_rate * self.bads
        declined = np.rint(caught + self.false_positive_rate * self.goods)
        return float(np.sum(np.diff(self.true_positive_rate) * (caught[1:] / declined[1:])))

    def interval(self) -> tuple[float, float] | None:
        """95% DeLong interval of the AUC, cut to [0, 1].

        The variance is that of DeLong, DeLong and Clarke-Pearson (1988): of each bad, the share of
        goods that score lower, and of each good, the share of bads that score higher; a tie counts
        half. None if a class has fewer than two loans.
        """
        if min(self.bads, self.goods) < 2:
            return None
        of_bad = 1 - _midpoints(self.false_positive_rate)
        of_good = _midpoints(self.true_positive_rate)
        bad = np.rint(np.diff(self.true_positive_rate) * self.bads)
        good = np.rint(np.diff(self.false_positive_rate) * self.goods)
        area = float(np.average(of_bad, weights=bad))
        half = Z_95 * float(np.sqrt(_squared_error(of_bad, bad) + _squared_error(of_good, good)))
        return max(0.0, area - half), min(1.0, area + half)


def _midpoints(rates: Floats) -> Floats:
    return np.asarray((rates[1:] + rates[:-1]) / 2)


def _squared_error(values: Floats, loans: Floats) -> float:
    """The variance of the mean of values, each of which so many loans have."""
    count = float(loans.sum())
    distance = values - np.average(values, weights=loans)
    return float(np.sum(loans * distance**2)) / (count - 1) / count


def has_both_classes(target: ArrayLike) -> bool:
    """Whether there is at least one bad and one good loan."""
    bads, loans = int(np.asarray(target).sum()), len(np.asarray(target))
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


def auc_lower_bound(area: float, bads: int, goods: int) -> float:
    """One-sided 99% lower bound of an AUC, for testing whether it exceeds a limit.

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
    bads, loans = int(np.asarray(target).sum()), len(np.asarray(target))
    return RocCurve(thresholds, true_rate, false_rate, bads, loans - bads)
