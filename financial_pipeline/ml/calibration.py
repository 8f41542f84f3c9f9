"""Calibration of probabilities: Brier, log loss, bins, slope, ECE, Hosmer-Lemeshow (1.7).

Targets are 1 for bad, 0 for good; probabilities are fractions.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from financial_pipeline.ml.discrimination import has_both_classes
from financial_pipeline.schemas.intervals import CONFIDENCE

Floats = NDArray[np.float64]

BINS: Final = 10
CLIP: Final = 1e-15
MAX_NEWTON_STEPS: Final = 50
LINE_TOLERANCE: Final = 1e-12


@dataclass(frozen=True)
class CalibrationBin:
    """One of ten equal-count bins of the probability; low and high are a 95% Wilson interval."""

    bin: int
    loans: int
    defaults: int
    mean_pd: float
    default_rate: float
    low: float
    high: float


def wilson_interval(events: int, trials: int) -> tuple[float, float] | None:
    """Return the 95% Wilson interval of a share; None without trials (methodology 0)."""
    if trials == 0:
        return None
    test = scipy.stats.binomtest(events, trials)
    interval = test.proportion_ci(confidence_level=CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def brier(target: ArrayLike, pd: ArrayLike) -> float:
    """Return the mean squared error of the probability."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(target, pd, labels=[0, 1]))


def brier_skill(target: ArrayLike, pd: ArrayLike) -> float | None:
    """1 - Brier / (base rate * (1 - base rate)); None if one class is missing."""
    if not has_both_classes(target):
        return None
    rate = float(np.mean(np.asarray(target)))
    return 1 - brier(target, pd) / (rate * (1 - rate))


def log_loss(target: ArrayLike, pd: ArrayLike) -> float:
    """Return the mean negative log-likelihood, probabilities clipped at 1e-15."""
    from sklearn import metrics

    chance = np.clip(np.asarray(pd, dtype=float), CLIP, 1 - CLIP)
    return float(metrics.log_loss(target, chance, labels=[0, 1]))


def calibration_bins(target: ArrayLike, pd: ArrayLike, bins: int = BINS) -> list[CalibrationBin]:
    """Equal-count bins in order of the probability; empty bins are left out."""
    chance, y = np.asarray(pd, dtype=float), np.asarray(target)
    parts = np.array_split(np.argsort(chance, kind="stable"), bins)
    return [
        _bin(number, y[rows], chance[rows]) for number, rows in enumerate(parts, 1) if len(rows)
    ]


def _bin(number: int, target: NDArray[np.int8], pd: Floats) -> CalibrationBin:
    defaults, loans = int(target.sum()), len(target)
    low, high = wilson_interval(defaults, loans) or (0.0, 1.0)
    return CalibrationBin(number, loans, defaults, float(pd.mean()), defaults / loans, low, high)


def expected_calibration_error(bins: list[CalibrationBin]) -> float:
    """Mean distance of default rate and mean probability over the bins, weighted by loans.

    A perfectly calibrated model does not score zero: about 0.015 on 3,000 loans.
    """
    loans = sum(item.loans for item in bins)
    return sum(item.loans * abs(item.default_rate - item.mean_pd) for item in bins) / loans


def hosmer_lemeshow(bins: list[CalibrationBin], is_development: bool) -> tuple[float, float] | None:
    """Statistic and p-value: g - 2 degrees of freedom in development, g on other data.

    For display only: its power grows with n. None if a bin's mean probability is 0 or 1.
    """
    if any(item.mean_pd in (0.0, 1.0) for item in bins) or len(bins) <= 2:
        return None
    statistic = sum(
        (item.defaults - item.loans * item.mean_pd) ** 2
        / (item.loans * item.mean_pd * (1 - item.mean_pd))
        for item in bins
    )
    return statistic, float(scipy.stats.chi2.sf(statistic, len(bins) - 2 * is_development))


def calibration_line(target: ArrayLike, pd: ArrayLike) -> tuple[float, float] | None:
    """Intercept a and slope b of the logit fit y ~ a + b logit(pd); ideal (0, 1).

    None if one class is missing, the probability is constant or separates the classes, or the fit
    does not settle.
    """
    from sklearn.linear_model import LogisticRegression

    chance = np.clip(np.asarray(pd, dtype=float), CLIP, 1 - CLIP)
    bad = np.asarray(target) == 1
    if not has_both_classes(bad) or np.ptp(chance) == 0:
        return None
    if chance[bad].min() >= chance[~bad].max() or chance[bad].max() <= chance[~bad].min():
        return None
    # Scaled by their deviation, logits with little variation are as well conditioned as others.
    logits = scipy.special.logit(chance)
    centre, deviation = float(logits.mean()), float(logits.std())
    line = LogisticRegression(
        C=np.inf, solver="newton-cholesky", tol=LINE_TOLERANCE, max_iter=MAX_NEWTON_STEPS
    ).fit(((logits - centre) / deviation)[:, None], bad)
    if line.n_iter_[0] >= MAX_NEWTON_STEPS:
        return None
    slope = float(line.coef_[0][0]) / deviation
    return float(line.intercept_[0]) - slope * centre, slope
