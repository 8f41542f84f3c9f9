"""Ranking metrics: golden vector G4, and scikit-learn and scipy as references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import roc_curve as reference_curve

from financial_pipeline.ml import discrimination

G4_TARGET = np.array([0, 0, 1, 0, 1, 0, 0, 1, 0, 1])
G4_PD = np.array([0.05, 0.10, 0.15, 0.20, 0.35, 0.35, 0.40, 0.60, 0.65, 0.80])
# Scores on a coarse grid, so that ties are common.
SAMPLES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 12)), min_size=4, max_size=80
).filter(lambda rows: 2 <= sum(row[0] for row in rows) <= len(rows) - 2)


def _arrays(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    target, score = np.array(rows).T
    return target, score / 12


def curve_of(target: np.ndarray, score: np.ndarray) -> discrimination.RocCurve:
    curve = discrimination.roc_curve(target, score)
    assert curve is not None
    return curve


def test_ranking_metrics_reproduce_golden_vector_g4() -> None:
    curve = curve_of(G4_TARGET, G4_PD)
    assert curve.area == pytest.approx(0.6875, abs=1e-12)
    assert curve.ks == pytest.approx(0.3333333333333333, abs=1e-12)
    assert curve.average_precision == pytest.approx(0.6666666666666666, abs=1e-12)


@settings(deadline=None)
@given(SAMPLES)
def test_ranking_metrics_equal_the_reference_libraries(rows: list[tuple[int, int]]) -> None:
    target, score = _arrays(rows)
    distance = ks_2samp(score[target == 1], score[target == 0]).statistic
    curve, area = curve_of(target, score), roc_auc_score(target, score)
    assert (curve.area, discrimination.auc(target, score)) == (pytest.approx(area),) * 2
    assert curve.ks == pytest.approx(distance)
    assert curve.average_precision == pytest.approx(average_precision_score(target, score))


@settings(deadline=None)
@given(SAMPLES)
def test_auc_of_levels_equals_the_auc_of_the_loans(rows: list[tuple[int, int]]) -> None:
    target, score = _arrays(rows)
    level = (score * 12).round().astype(int)
    counted = discrimination.auc_of_levels(np.bincount(level), np.bincount(level, target))
    assert counted == pytest.approx(discrimination.auc(target, score))


@settings(deadline=None)
@given(SAMPLES)
def test_roc_curve_equals_the_reference_at_every_distinct_score(
    rows: list[tuple[int, int]],
) -> None:
    target, score = _arrays(rows)
    curve = curve_of(target, score)
    false_rate, true_rate, thresholds = reference_curve(target, score, drop_intermediate=False)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    np.testing.assert_allclose(curve.true_positive_rate, true_rate)
    np.testing.assert_allclose(curve.false_positive_rate, false_rate)


@settings(deadline=None)
@given(SAMPLES)
def test_auc_interval_equals_delong_by_comparing_every_pair(rows: list[tuple[int, int]]) -> None:
    target, score = _arrays(rows)
    bads, goods = score[target == 1], score[target == 0]
    wins = (bads[:, None] > goods) + 0.5 * (bads[:, None] == goods)
    by_bad, by_good = wins.mean(axis=1), wins.mean(axis=0)
    variance = by_bad.var(ddof=1) / len(bads) + by_good.var(ddof=1) / len(goods)
    half = 1.959963984540054 * np.sqrt(variance)
    expected = max(0, wins.mean() - half), min(1, wins.mean() + half)
    assert curve_of(target, score).interval() == pytest.approx(expected)


def test_auc_interval_of_golden_vector_g4_equals_the_one_worked_out_by_hand() -> None:
    # Squared deviations of the placements: 49/192 over the 4 bads, 55/128 over the 6 goods.
    half = 1.959963984540054 * (49 / 192 / 3 / 4 + 55 / 128 / 5 / 6) ** 0.5
    interval = curve_of(G4_TARGET, G4_PD).interval()
    assert interval == pytest.approx((0.6875 - half, 1.0), abs=1e-12)


@pytest.mark.parametrize("target", [[0, 0, 0], [1, 1, 1], []])
def test_ranking_metrics_are_none_without_both_classes(target: list[int]) -> None:
    score = np.linspace(0, 1, len(target))
    assert discrimination.auc(target, score) is None
    assert discrimination.roc_curve(target, score) is None


@pytest.mark.parametrize(
    ("area", "bads", "goods", "bound"),
    [(1.0, 5, 1_000, 0.692306), (0.92, 140, 1_000, 0.874797), (0.5, 100, 100, 0.406816)],
)
def test_the_lower_bound_of_an_auc_depends_on_the_counts(
    area: float, bads: int, goods: int, bound: float
) -> None:
    found = discrimination.auc_lower_bound(area, bads, goods)
    assert found == pytest.approx(bound, abs=1e-6)
    error = (area - found) / 2.3263478740408408
    two_bads, two_goods = found / (2 - found), 2 * found**2 / (1 + found)
    spread = (bads - 1) * (two_bads - found**2) + (goods - 1) * (two_goods - found**2)
    assert error**2 * bads * goods == pytest.approx(found * (1 - found) + spread, rel=1e-9)


def test_without_a_class_the_lower_bound_is_zero() -> None:
    assert (
        discrimination.auc_lower_bound(1.0, 0, 100)
        == discrimination.auc_lower_bound(0.0, 5, 5)
        == 0.0
    )
