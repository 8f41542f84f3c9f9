"""One evaluation of one set of scores, whole and by segment, as rows that can be published.

If nothing can be measured (no model, no loan, one class), the figures are null and the reason
is given with them.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from financial_pipeline.ml import calibration, discrimination

Floats = NDArray[np.float64]
Target = NDArray[np.int8]

# Rates on fewer loans are not shown (methodology 0).
MIN_SHOWN_LOANS: Final = 30
CURVE_POINTS: Final = 200


@dataclass(frozen=True)
class Metrics:
    """The figures of methodology 1.7; n counts test loans, rates and PDs are fractions."""

    n: int
    defaults: int
    default_rate: float | None = None
    mean_pd: float | None = None
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    gini: float | None = None
    ks: float | None = None
    average_precision: float | None = None
    brier: float | None = None
    brier_skill: float | None = None
    log_loss: float | None = None
    calibration_intercept: float | None = None
    calibration_slope: float | None = None
    ece: float | None = None
    hosmer_lemeshow: float | None = None
    hosmer_lemeshow_p: float | None = None
    reason: str | None = None


def measure(target: Target, pd: Floats, is_development: bool = False) -> Metrics:
    """All metrics of probabilities `pd` against outcomes 1 (bad) and 0 (good)."""
    loans, defaults = len(target), int(np.sum(target))
    curve = discrimination.roc_curve(target, pd) if loans >= MIN_SHOWN_LOANS else None
    if curve is None:
        reason = f"{loans} test loans with {defaults} defaults: both classes and at least "
        return Metrics(loans, defaults, reason=f"{reason}{MIN_SHOWN_LOANS} loans are needed")
    # Sorted once: the curve has every figure of the ranking.
    area, interval = curve.area, curve.interval()
    line = calibration.calibration_line(target, pd)
    bins = calibration.calibration_bins(target, pd)
    fit = calibration.hosmer_lemeshow(bins, is_development)
    return Metrics(
        n=loans,
        defaults=defaults,
        default_rate=defaults / loans,
        mean_pd=float(np.mean(pd)),
        auc=area,
        auc_low=interval[0] if interval else None,
        auc_high=interval[1] if interval else None,
        gini=2 * area - 1,
        ks=curve.ks,
        average_precision=curve.average_precision,
        brier=calibration.brier(target, pd),
        brier_skill=calibration.brier_skill(target, pd),
        log_loss=calibration.log_loss(target, pd),
        calibration_intercept=line[0] if line else None,
        calibration_slope=line[1] if line else None,
        ece=calibration.expected_calibration_error(bins),
        hosmer_lemeshow=fit[0] if fit else None,
        hosmer_lemeshow_p=fit[1] if fit else None,
    )


def not_measured(reason: str) -> Metrics:
    """Metrics that are null for a reason."""
    return Metrics(0, 0, reason=reason)


def metrics_row(model: str, evaluation: str, label: str, metrics: Metrics) -> dict[str, Any]:
    """One row of `ml/evaluation`."""
    return {"model": model, "evaluation": evaluation, "label": label, **asdict(metrics)}


def segment_rows(
    target: Target, pd: Floats, segments: pl.DataFrame, **labels: str
) -> list[dict[str, Any]]:
    """Metrics per level of each column of `segments` (one row per loan), in order of the level."""
    rows = []
    for column in segments.columns:
        values = segments[column].cast(pl.String)
        for level in values.drop_nulls().unique().sort():
            inside = (values == level).fill_null(False).to_numpy()
            metrics = measure(target[inside], pd[inside])
            rows.append({**labels, "segment": column, "level": level, **asdict(metrics)})
    return rows


def calibration_rows(target: Target, pd: Floats, **labels: str) -> list[dict[str, Any]]:
    """The ten calibration bins with Wilson bounds."""
    return [{**labels, **asdict(item)} for item in calibration.calibration_bins(target, pd)]


def roc_rows(target: Target, pd: Floats, **labels: str) -> list[dict[str, Any]]:
    """The ROC curve thinned to at most 200 points, its ends included."""
    curve = discrimination.roc_curve(target, pd)
    if curve is None:
        return []
    last = len(curve.thresholds) - 1
    kept = np.unique(np.linspace(0, last, min(CURVE_POINTS, last + 1)).round().astype(int))
    return [
        {
            **labels,
            # The first threshold is infinite: nobody is declined.
            "threshold": float(curve.thresholds[point]) if point else None,
            "true_positive_rate": float(curve.true_positive_rate[point]),
            "false_positive_rate": float(curve.false_positive_rate[point]),
        }
        for point in kept
    ]
