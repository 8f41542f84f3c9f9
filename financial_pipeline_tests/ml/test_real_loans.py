"""The model on the real loans of 2007-2011, against the bands of methodology 1.6 (c)."""

import polars as pl
import pytest

from financial_pipeline.ml import backtest
from financial_pipeline.ml.features import FEATURE_SETS, FEATURES
from financial_pipeline.ml.leak_alarm import LeakAlarm, check_inputs, check_whitelist
from financial_pipeline_tests.ml.loans import CUTOFF, Book


@pytest.fixture(scope="module")
def trials(real_cohort: pl.DataFrame) -> dict[tuple[str, str], backtest.Trial]:
    splits = backtest.splits(real_cohort, CUTOFF, lag_months=5)
    found = backtest.run_trials(real_cohort, splits, {})
    found += backtest.run_challengers(real_cohort, splits[0])
    return {(trial.split.name, trial.model): trial for trial in found}


@pytest.mark.parametrize(
    ("model", "auc", "ks"), [("borrower_only", 0.692, 0.284), ("platform_informed", 0.703, 0.298)]
)
def test_out_of_time_figures_reproduce_the_reference(
    trials: dict[tuple[str, str], backtest.Trial], model: str, auc: float, ks: float
) -> None:
    metrics = trials[("out_of_time", model)].metrics
    assert metrics.n == 21_721
    assert metrics.auc == pytest.approx(auc, abs=0.003)
    assert metrics.ks == pytest.approx(ks, abs=0.005)
    assert metrics.brier == pytest.approx(0.121, abs=0.001)
    assert metrics.auc_low < metrics.auc < metrics.auc_high


@pytest.mark.parametrize(("model", "auc"), [("borrower_only", 0.686), ("platform_informed", 0.698)])
def test_random_split_figures_are_within_two_deviations_of_the_reference(
    trials: dict[tuple[str, str], backtest.Trial], model: str, auc: float
) -> None:
    metrics = trials[("random_split", model)].metrics
    assert metrics.n == 11_936
    assert metrics.auc == pytest.approx(auc, abs=0.01)


def test_every_model_is_inside_the_acceptance_band(
    trials: dict[tuple[str, str], backtest.Trial],
) -> None:
    measured = [trial.metrics for trial in trials.values() if trial.metrics.auc is not None]
    assert len(measured) == 9
    assert all(0.67 <= metrics.auc <= 0.73 for metrics in measured)
    assert all(0.25 <= metrics.ks <= 0.33 for metrics in measured)
    assert all(metrics.ece <= 0.03 for metrics in measured)


def test_the_stricter_backtest_is_null_because_only_64_loans_were_known(
    trials: dict[tuple[str, str], backtest.Trial],
) -> None:
    metrics = trials[("known_at_cutoff", "borrower_only")].metrics
    assert metrics.auc is None
    assert str(metrics.reason).startswith("64 matured training loans")


def test_the_feature_sets_are_those_of_the_methodology_without_the_absent_score(
    real_cohort: pl.DataFrame,
) -> None:
    split = backtest.splits(real_cohort, CUTOFF, lag_months=5)[0]
    model = backtest.fit_on(real_cohort, split, "borrower_only")
    assert model.features == tuple(n for n in FEATURE_SETS["borrower_only"] if n != "fico_midpoint")
    assert list(model.absent) == ["fico_midpoint"]


def test_adding_a_payment_column_raises_the_alarm_and_shows_why(
    real_book: Book, real_cohort: pl.DataFrame
) -> None:
    rows = real_cohort.select(pl.col("loan_key") - 1).to_series()
    payments = real_book.outcomes[rows]
    leaky = real_cohort.select(*FEATURES).with_columns(
        payments["total_rec_prncp"].alias("open_acc")
    )
    target = real_cohort["default_d1"].to_numpy()
    with pytest.raises(LeakAlarm, match=r"Column open_acc .* total_rec_prncp"):
        check_inputs(leaky, target, payments)
    with pytest.raises(LeakAlarm, match="Column total_rec_prncp"):
        check_whitelist([*FEATURES, "total_rec_prncp"], FEATURE_SETS["platform_informed"])
