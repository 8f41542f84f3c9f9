"""The model on simulated loans: it recovers the simulator's ordering and stays calibrated."""

from datetime import date

import polars as pl
import pytest

from financial_pipeline.bench import simulated_marts as simulated
from financial_pipeline.ml import backtest
from financial_pipeline.ml.features import FEATURES, build_features
from financial_pipeline.ml.leak_alarm import LeakAlarm, check_inputs
from financial_pipeline.ml.populations import d1_cohort, latest_cutoff, months_after
from financial_pipeline.settings import Settings

DEMO_LOANS = 50_000
CUTOFF = date(2015, 4, 1)


@pytest.fixture(scope="module")
def marts() -> pl.DataFrame:
    return simulated.simulated_marts(DEMO_LOANS, Settings().seed)


@pytest.fixture(scope="module")
def cohort(marts: pl.DataFrame) -> pl.DataFrame:
    features = build_features(marts.lazy())
    return d1_cohort(features, marts.lazy())


def test_the_latest_cutoff_tests_vintages_that_are_mostly_matured(marts: pl.DataFrame) -> None:
    assert latest_cutoff(marts.lazy(), date(2010, 1, 1)) == CUTOFF


def test_the_model_recovers_the_ordering_and_is_calibrated_at_demo_size(
    cohort: pl.DataFrame,
) -> None:
    loans = cohort.filter(pl.col("issue_month") < months_after(CUTOFF, 12))
    splits = backtest.splits(loans, CUTOFF, lag_months=5)[:2]
    for trial in backtest.run_trials(loans, splits, {}):
        assert 0.66 <= trial.metrics.auc <= 0.74, trial.labels
        assert trial.metrics.ece <= 0.03, trial.labels
        assert trial.metrics.n > 3_000


def test_every_varied_outcome_column_is_caught_and_no_feature_is(
    marts: pl.DataFrame, cohort: pl.DataFrame
) -> None:
    outcomes = simulated.outcome_columns(marts[cohort["loan_key"] - 1])
    target = cohort["default_d1"].to_numpy()
    check_inputs(cohort.select(*FEATURES), target, outcomes)
    varied = [name for name in outcomes.columns if outcomes[name].n_unique() > 1]
    assert len(varied) >= 30
    for name in varied:
        column = outcomes[name]
        if column.dtype != pl.String:
            column = column.to_physical().cast(pl.Float64) * -2.5 + 7
        with pytest.raises(LeakAlarm, match="Column dti "):
            check_inputs(column.alias("dti").to_frame(), target, outcomes)


def test_adding_immature_loans_of_the_same_snapshot_changes_no_target(
    marts: pl.DataFrame, cohort: pl.DataFrame
) -> None:
    matured = marts.filter("is_matured")
    assert matured.height < marts.height
    features = build_features(matured.lazy())
    assert d1_cohort(features, matured.lazy()).equals(cohort)
