"""The fitted pipelines: the form of methodology 1.7, repeatability, odd inputs."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from financial_pipeline.ml.explain import coefficient_rows
from financial_pipeline.ml.leak_alarm import LeakAlarm
from financial_pipeline.ml.preparation import LevelCoder, QuantileClipper
from financial_pipeline.ml.train import (
    DefaultModel,
    fit_challenger,
    fit_model,
    logistic_pipeline,
)


@pytest.fixture(scope="module")
def model(cohort: pl.DataFrame) -> DefaultModel:
    return fit_model("platform_informed", cohort, cohort["default_d1"].to_numpy())


def test_the_logistic_regression_has_no_class_weights() -> None:
    fit = logistic_pipeline(("dti", "purpose"))["fit"]
    assert isinstance(fit, LogisticRegression)
    assert fit.class_weight is None
    assert (fit.C, fit.solver, fit.max_iter) == (1.0, "lbfgs", 2000)


def test_mean_pd_on_the_training_loans_equals_their_default_rate(
    model: DefaultModel, cohort: pl.DataFrame
) -> None:
    assert model.predict(cohort).mean() == pytest.approx(cohort["default_d1"].mean(), abs=1e-4)


def test_the_same_loans_give_the_same_scores_to_the_last_bit(
    model: DefaultModel, cohort: pl.DataFrame
) -> None:
    again = fit_model("platform_informed", cohort, cohort["default_d1"].to_numpy())
    assert (again.predict(cohort) == model.predict(cohort)).all()


def test_quantile_clipper_cuts_at_the_training_quantiles() -> None:
    clipper = QuantileClipper().fit(np.arange(1001.0)[:, None])
    assert clipper.transform(np.array([[-5.0], [500.0], [5000.0]])).ravel().tolist() == [
        5,
        500,
        995,
    ]


def test_level_coder_numbers_levels_in_order_and_unseen_ones_apart() -> None:
    coder = LevelCoder().fit(pl.DataFrame({"purpose": ["car", "boat", "car"], "term": ["36"] * 3}))
    coded = coder.transform(pl.DataFrame({"purpose": ["car", "house"], "term": ["36", "60"]}))
    assert coded.tolist() == [[1, 0], [-1, -1]]


def test_rare_levels_share_one_column(cohort: pl.DataFrame) -> None:
    few = pl.when(pl.col("loan_key") <= 10).then(pl.lit("boat"))
    rare = few.when(pl.col("loan_key") <= 30).then(pl.lit("wedding")).otherwise("purpose")
    odd = cohort.with_columns(purpose=rare)
    model = fit_model("borrower_only", odd, odd["default_d1"].to_numpy())
    terms = {r["term"] for r in coefficient_rows(model) if r["feature"] == "purpose"}
    assert terms == {"credit_card", "debt_consolidation", "other", "rare levels"}
    boat, wedding = (odd.filter(pl.col("purpose") == name).head(1) for name in ("boat", "wedding"))
    same = wedding.with_columns(boat[n] for n in model.features if n != "purpose")
    assert model.predict(same)[0] == pytest.approx(model.predict(boat)[0])


def test_a_rare_missing_flag_is_not_winsorised_away(cohort: pl.DataFrame) -> None:
    few = cohort.with_columns(dti=pl.when(pl.col("loan_key") > 5).then("dti"))
    model = fit_model("borrower_only", few, few["default_d1"].to_numpy())
    design = model.pipeline["prepare"].transform(few.select(model.features))
    terms = [(row["feature"], row["term"]) for row in coefficient_rows(model)][1:]
    assert design[:, terms.index(("dti", "missing"))].sum() == 5


def test_an_unseen_category_scores_without_error(model: DefaultModel, cohort: pl.DataFrame) -> None:
    odd = cohort.head(1).with_columns(purpose=pl.lit("space travel"), term=pl.lit("84"))
    assert 0 < model.predict(odd)[0] < 1


def test_missing_values_score_without_error(model: DefaultModel, cohort: pl.DataFrame) -> None:
    numbers = [name for name in model.features if cohort[name].dtype == pl.Float64]
    blank = cohort.head(1).with_columns(pl.lit(None, pl.Float64).alias(name) for name in numbers)
    assert 0 < model.predict(blank)[0] < 1


def test_predict_of_no_loans_is_empty(model: DefaultModel, cohort: pl.DataFrame) -> None:
    assert len(model.predict(cohort.clear())) == 0


def test_fitting_refuses_a_feature_off_the_list(cohort: pl.DataFrame) -> None:
    leaky = cohort.with_columns(total_pymnt=pl.lit(1.0))
    target = cohort["default_d1"].to_numpy()
    with pytest.raises(LeakAlarm, match="total_pymnt"):
        fit_model("borrower_only", leaky, target, ["dti", "total_pymnt"])
    with pytest.raises(LeakAlarm, match="int_rate"):
        fit_model("borrower_only", cohort, target, ["dti", "int_rate"])


def test_the_challenger_is_repeatable_and_ranks_better_than_chance(cohort: pl.DataFrame) -> None:
    target = cohort["default_d1"].to_numpy()
    first, second = (fit_challenger("borrower_only", cohort, target, seed=5) for _ in range(2))
    pd = first.predict(cohort)
    assert (pd == second.predict(cohort)).all()
    assert pd[target == 1].mean() > pd[target == 0].mean()
