"""Every validation statistic of a model again, by an independent library, at 1e-9."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from optbinning import BinningProcess
from scipy import special, stats
from sklearn.calibration import calibration_curve

from financial_pipeline.ml import calibration, discrimination, drift, scorecard

LOANS = 4_000


def close(value: float | None) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.fixture(scope="module")
def book() -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and probabilities of 4,000 loans; the model is too sure of itself."""
    random = np.random.default_rng(20_070_601)
    pd = random.beta(2, 10, LOANS)
    return (random.random(LOANS) < special.expit(0.8 * special.logit(pd))).astype(int), pd


def test_auc_equals_the_mann_whitney_statistic(book: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = book
    bad, good = pd[target == 1], pd[target == 0]
    statistic = stats.mannwhitneyu(bad, good).statistic
    curve = discrimination.roc_curve(target, pd)
    assert curve is not None
    assert curve.area == close(statistic / len(bad) / len(good))


def test_auc_interval_equals_the_variance_of_placements(
    book: tuple[np.ndarray, np.ndarray],
) -> None:
    target, pd = book
    bad, good = pd[target == 1], pd[target == 0]
    # Two-sample form of DeLong: each loan's share of the other class that it outranks.
    above = np.array([stats.percentileofscore(good, value, "mean") / 100 for value in bad])
    below = np.array([1 - stats.percentileofscore(bad, value, "mean") / 100 for value in good])
    error = np.sqrt(stats.sem(above) ** 2 + stats.sem(below) ** 2)
    low, high = stats.norm.interval(0.95, above.mean(), error)
    curve = discrimination.roc_curve(target, pd)
    assert curve is not None
    assert curve.interval() == pytest.approx((low, high), abs=1e-9)


def test_ks_equals_scipy(book: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = book
    found = stats.ks_2samp(pd[target == 1], pd[target == 0]).statistic
    curve = discrimination.roc_curve(target, pd)
    assert curve is not None
    assert curve.ks == close(found)


def test_log_loss_equals_the_likelihood_of_scipy(book: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = book
    assert calibration.log_loss(target, pd) == close(-stats.bernoulli.logpmf(target, pd).mean())


def test_brier_skill_equals_the_variance_explained(book: tuple[np.ndarray, np.ndarray]) -> None:
    target, pd = book
    explained = 1 - sm.tools.eval_measures.mse(target, pd) / np.var(target)
    assert calibration.brier_skill(target, pd) == close(explained)


def test_the_calibration_line_equals_the_logit_of_statsmodels(
    book: tuple[np.ndarray, np.ndarray],
) -> None:
    target, pd = book
    fit = sm.Logit(target, sm.add_constant(special.logit(pd))).fit(disp=0, method="newton")
    assert calibration.calibration_line(target, pd) == pytest.approx(tuple(fit.params), abs=1e-9)


def test_the_calibration_error_equals_the_curve_of_scikit_learn(
    book: tuple[np.ndarray, np.ndarray],
) -> None:
    target, pd = book
    rate, mean = calibration_curve(target, pd, n_bins=10, strategy="quantile")
    bins = calibration.calibration_bins(target, pd)
    assert [item.default_rate for item in bins] == pytest.approx(list(rate), abs=1e-9)
    assert [item.mean_pd for item in bins] == pytest.approx(list(mean), abs=1e-9)
    assert calibration.expected_calibration_error(bins) == close(np.abs(rate - mean).mean())


def test_hosmer_lemeshow_equals_pearsons_statistic(book: tuple[np.ndarray, np.ndarray]) -> None:
    bins = calibration.calibration_bins(*book)
    observed = [n for item in bins for n in (item.defaults, item.loans - item.defaults)]
    expected = [n for item in bins for n in (item.mean_pd, 1 - item.mean_pd)]
    expected = [share * bins[place // 2].loans for place, share in enumerate(expected)]
    # Of 20 cells, 10 are free on other data and 8 in development.
    for is_development, lost in ((False, 9), (True, 11)):
        found = stats.power_divergence(observed, expected, ddof=lost)
        assert calibration.hosmer_lemeshow(bins, is_development) == pytest.approx(
            (found.statistic, found.pvalue), rel=1e-9
        )


def test_psi_and_its_bound_equal_scipy() -> None:
    before, now = np.array([120, 300, 280, 200, 100]), np.array([60, 90, 160, 130, 60])
    a, e = now / now.sum(), before / before.sum()
    both = special.kl_div(a, e).sum() + special.kl_div(e, a).sum()
    assert drift.population_stability_index(before, now) == close(both)
    bound = special.chdtri(4, 0.05) * (1 / 1000 + 1 / 500)
    assert drift.critical_value(5, 1000, 500) == close(bound)


def test_information_value_equals_optbinning() -> None:
    goods, bads = np.array([900, 700, 500, 200]), np.array([20, 40, 60, 80])
    values = np.repeat(np.arange(4.0), goods + bads)
    target = np.concatenate([[0] * g + [1] * b for g, b in zip(goods, bads, strict=True)])
    options = {"grade": {"user_splits": [0.5, 1.5, 2.5], "user_splits_fixed": [True] * 3}}
    process = BinningProcess(["grade"], binning_fit_params=options)
    process.fit(values.reshape(-1, 1), target)
    table = process.get_binned_variable("grade").binning_table.build()
    woe, value = scorecard.weight_of_evidence(goods, bads)
    assert value == close(float(table.loc["Totals", "IV"]))
    assert list(woe) == pytest.approx(table["WoE"].iloc[:4].astype(float).tolist(), abs=1e-9)
