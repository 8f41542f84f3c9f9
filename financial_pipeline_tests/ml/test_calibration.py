"""Calibration metrics: golden vector G4, identities, and what the words promise."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import chi2
from statsmodels.stats.proportion import proportion_confint

from financial_pipeline.ml import calibration
from financial_pipeline_tests.ml.test_discrimination import G4_PD, G4_TARGET


def _calibrated(loans: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pd = expit(rng.normal(-1.8, 0.7, loans))
    return (rng.random(loans) < pd).astype(int), pd


def test_brier_and_log_loss_reproduce_golden_vector_g4() -> None:
    assert calibration.brier(G4_TARGET, G4_PD) == pytest.approx(0.21025, abs=1e-12)
    assert calibration.log_loss(G4_TARGET, G4_PD) == pytest.approx(0.6052139310181468, abs=1e-12)


def test_brier_skill_is_zero_for_the_base_rate_and_none_for_one_class() -> None:
    assert calibration.brier_skill(G4_TARGET, np.full(10, 0.4)) == pytest.approx(0, abs=1e-12)
    assert calibration.brier_skill([1, 1], [0.4, 0.5]) is None
    assert calibration.brier_skill(G4_TARGET, G4_PD) == pytest.approx(1 - 0.21025 / 0.24, abs=1e-12)


def test_brier_of_one_class_is_the_squared_error() -> None:
    assert calibration.brier([1, 1], [0.9, 0.8]) == pytest.approx(0.025, abs=1e-12)
    assert calibration.brier([0, 0], [0.1, 0.2]) == pytest.approx(0.025, abs=1e-12)


@pytest.mark.parametrize("target", [[0, 1, 0, 1], [1, 0, 1, 0]])
def test_calibration_line_of_certain_probabilities_is_finite(target: list[int]) -> None:
    line = calibration.calibration_line(target, [0.0, 0.2, 0.6, 1.0])
    assert line is not None
    assert np.isfinite(line).all()


@pytest.mark.parametrize(("target", "pd"), [(1, 0.0), (0, 1.0)])
def test_log_loss_of_a_certain_error_is_that_of_the_clip(target: int, pd: float) -> None:
    # ln(1e15); 1 - 1e-15 is not exact.
    assert calibration.log_loss([target], [pd]) == pytest.approx(34.5388, abs=1e-3)


@pytest.mark.parametrize(("events", "trials"), [(0, 10), (3, 30), (602, 10_085), (7, 7)])
def test_wilson_interval_equals_statsmodels(events: int, trials: int) -> None:
    expected = proportion_confint(events, trials, method="wilson")
    assert calibration.wilson_interval(events, trials) == pytest.approx(expected, abs=1e-12)


def test_wilson_interval_is_none_without_trials() -> None:
    assert calibration.wilson_interval(0, 0) is None


def test_calibration_bins_hold_every_loan_once_and_rise() -> None:
    target, pd = _calibrated(1_003)
    bins = calibration.calibration_bins(target, pd)
    assert sum(item.loans for item in bins) == 1_003
    assert sum(item.defaults for item in bins) == target.sum()
    assert [item.mean_pd for item in bins] == sorted(item.mean_pd for item in bins)
    assert max(item.loans for item in bins) - min(item.loans for item in bins) <= 1


def test_there_are_ten_numbered_bins_each_with_its_interval() -> None:
    bins = calibration.calibration_bins(*_calibrated(1_003))
    assert [item.bin for item in bins] == list(range(1, 11))
    for item in bins:
        assert (item.low, item.high) == calibration.wilson_interval(item.defaults, item.loans)
        assert item.default_rate == item.defaults / item.loans


def test_fewer_loans_than_bins_leave_bins_out() -> None:
    bins = calibration.calibration_bins([0, 1, 1], [0.3, 0.1, 0.2])
    rows = [(item.bin, item.loans, item.defaults, item.mean_pd) for item in bins]
    assert rows == [(1, 1, 1, 0.1), (2, 1, 1, 0.2), (3, 1, 0, 0.3)]


def test_ece_is_the_weighted_distance_of_rate_and_probability() -> None:
    target = np.array([0, 0, 1, 1])
    bins = calibration.calibration_bins(target, np.array([0.1, 0.3, 0.5, 0.7]), bins=2)
    assert calibration.expected_calibration_error(bins) == pytest.approx(0.5 * 0.2 + 0.5 * 0.4)


def test_calibration_line_finds_the_shift_that_was_put_in() -> None:
    target, pd = _calibrated(200_000)
    distorted = expit(0.5 + 2 * logit(pd))
    line = calibration.calibration_line(target, distorted)
    assert line == pytest.approx((-0.25, 0.5), abs=0.02)


def test_calibration_line_equals_that_of_statsmodels() -> None:
    target, pd = _calibrated(2_000)
    design = sm.add_constant(logit(pd))
    expected = sm.GLM(target, design, family=sm.families.Binomial()).fit(tol=1e-14)
    assert calibration.calibration_line(target, pd) == pytest.approx(expected.params, abs=1e-9)


def test_calibration_line_of_probabilities_that_hardly_differ_raises_no_warning() -> None:
    """scikit-learn's fallback from a singular matrix depends on a filter that all threads share."""
    random = np.random.default_rng(0)
    target, pd = (random.random(400) < 0.2).astype(int), 0.2 + 1e-8 * random.random(400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        line = calibration.calibration_line(target, pd)
    logits = logit(pd)
    scaled = (logits - logits.mean()) / logits.std()
    expected = sm.Logit(target, sm.add_constant(scaled)).fit(disp=0).params
    assert line is not None
    intercept, slope = line
    assert slope == pytest.approx(expected[1] / logits.std(), rel=1e-6)
    assert intercept + slope * logits.mean() == pytest.approx(expected[0], rel=1e-6)


def test_calibration_line_is_none_for_separable_or_constant_scores() -> None:
    assert calibration.calibration_line([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]) is None
    assert calibration.calibration_line([1, 1, 0, 0], [0.1, 0.2, 0.2, 0.9]) is None
    assert calibration.calibration_line([0, 0, 1, 1], [0.1, 0.2, 0.2, 0.9]) is None
    assert calibration.calibration_line([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3]) is None
    assert calibration.calibration_line([1, 1, 1], [0.1, 0.2, 0.3]) is None
    assert calibration.calibration_line([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]) is not None


def test_a_line_that_does_not_settle_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "MAX_NEWTON_STEPS", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert calibration.calibration_line(*_calibrated(500)) is None


def test_hosmer_lemeshow_uses_two_degrees_less_in_development() -> None:
    bins = calibration.calibration_bins(*_calibrated(5_000))
    outside, inside = (calibration.hosmer_lemeshow(bins, flag) for flag in (False, True))
    assert outside is not None
    assert inside is not None
    expected = sum(
        (b.defaults - b.loans * b.mean_pd) ** 2 / (b.loans * b.mean_pd * (1 - b.mean_pd))
        for b in bins
    )
    assert outside[0] == inside[0] == pytest.approx(expected)
    assert outside[1] == pytest.approx(chi2.sf(expected, 10), abs=1e-12)
    assert inside[1] == pytest.approx(chi2.sf(expected, 8), abs=1e-12)


def test_hosmer_lemeshow_needs_three_bins_and_no_certain_one() -> None:
    bins = calibration.calibration_bins(*_calibrated(300), bins=3)
    assert calibration.hosmer_lemeshow(bins, True) is not None
    assert calibration.hosmer_lemeshow(bins[:2], False) is None
    for certain in (0.0, 1.0):
        odd = [*bins[:2], replace(bins[2], mean_pd=certain)]
        assert calibration.hosmer_lemeshow(odd, False) is None
