"""Both models on every split, with nulls and reasons where a split cannot carry one."""

import numpy as np
import polars as pl
import pytest

from financial_pipeline.ml import backtest
from financial_pipeline.ml.populations import out_of_time
from financial_pipeline_tests.ml.loans import CUTOFF

LAG = 5


@pytest.fixture(scope="module")
def trials(cohort: pl.DataFrame) -> list[backtest.Trial]:
    return backtest.run_trials(cohort, backtest.splits(cohort, CUTOFF, LAG), {})


def test_both_models_are_tested_on_every_split(trials: list[backtest.Trial]) -> None:
    names = [(trial.split.name, trial.model) for trial in trials]
    assert names == [
        (split, model)
        for split in ("out_of_time", "random_split", "cumulative_loans", "known_at_cutoff")
        for model in ("borrower_only", "platform_informed")
    ]


def test_a_split_without_matured_loans_is_null_with_its_reason(
    trials: list[backtest.Trial],
) -> None:
    strict = [trial for trial in trials if trial.split.name == "known_at_cutoff"]
    assert all(trial.metrics.auc is None for trial in strict)
    assert all("at least 500" in str(trial.metrics.reason) for trial in strict)


def test_models_already_fitted_are_the_ones_tested(cohort: pl.DataFrame) -> None:
    split = out_of_time(cohort, CUTOFF)
    fitted = {name: backtest.fit_on(cohort, split, name) for name in backtest.FEATURE_SETS}
    found = backtest.run_trials(cohort, [split], fitted)
    expected = fitted["borrower_only"].predict(cohort.filter(pl.Series(split.test)))
    assert (found[0].pd == expected).all()


def test_repeating_a_backtest_gives_the_same_figures(
    cohort: pl.DataFrame, trials: list[backtest.Trial]
) -> None:
    again = backtest.run_trials(cohort, backtest.splits(cohort, CUTOFF, LAG), {})
    for first, second in zip(trials, again, strict=True):
        assert first.metrics == second.metrics
        assert (first.pd == second.pd).all()


def test_challengers_and_scorecard_stand_beside_the_models(cohort: pl.DataFrame) -> None:
    found = backtest.run_challengers(cohort, out_of_time(cohort, CUTOFF))
    assert [trial.model for trial in found] == [
        "borrower_only_boosted",
        "platform_informed_boosted",
        "scorecard",
    ]
    assert all(trial.metrics.auc is not None for trial in found)


@pytest.mark.parametrize("kind", ["one_class", "empty_column", "few_loans"])
def test_untrainable_loans_give_null_metrics_with_the_reason(
    cohort: pl.DataFrame, kind: str
) -> None:
    bad = {
        "one_class": cohort.with_columns(default_d1=pl.lit(0, pl.Int8)),
        "empty_column": cohort.with_columns(dti=pl.lit(None, pl.Float64)),
        "few_loans": cohort.head(300),
    }[kind]
    word = {"one_class": "both classes", "empty_column": "dti_effective", "few_loans": "500"}[kind]
    split = out_of_time(bad, CUTOFF)
    for trial in [*backtest.run_trials(bad, [split], {}), *backtest.run_challengers(bad, split)]:
        assert trial.metrics.auc is None
        assert word in str(trial.metrics.reason)


def test_a_model_that_knows_the_outcome_has_no_figures(cohort: pl.DataFrame) -> None:
    target = cohort["default_d1"].to_numpy()
    noise = np.random.default_rng(1).normal(size=len(target))
    leaky = cohort.with_columns(open_acc=pl.Series(target * 4 + noise))
    split = out_of_time(leaky, CUTOFF)
    trials = backtest.run_trials(leaky, [split], {}) + backtest.run_challengers(leaky, split)
    assert all(trial.metrics.auc is None for trial in trials)
    assert "strongest feature, open_acc" in str(trials[0].leak)
    assert trials[0].metrics.reason == trials[0].leak


def test_refused_loans_are_fitted_on_no_split(cohort: pl.DataFrame) -> None:
    split = out_of_time(cohort, CUTOFF)
    trials = backtest.refuse_splits([split], "a leak") + backtest.run_challengers(
        cohort, split, "a leak"
    )
    assert [trial.metrics.reason for trial in trials] == ["a leak"] * 5
    assert not any(len(trial.pd) for trial in trials)


def test_tables_hold_all_evaluations_and_details_of_the_headline(
    cohort: pl.DataFrame, trials: list[backtest.Trial]
) -> None:
    segments = cohort.select("term", pl.col("issue_month").alias("vintage"))
    tables = backtest.evaluation_tables(trials, segments, 0.75)
    assert list(tables) == [
        "evaluation",
        "evaluation_bins",
        "evaluation_curves",
        "evaluation_segments",
    ]
    assert tables["evaluation"].height == 8
    shares = dict(tables["evaluation"].select("evaluation", "matured_share").rows())
    assert shares.pop("out_of_time") == 0.75
    assert set(shares.values()) == {None}
    assert tables["evaluation_bins"].height == 20
    assert set(tables["evaluation_curves"]["evaluation"]) == {"out_of_time"}
    assert set(tables["evaluation_segments"]["segment"]) == {"term", "vintage"}
