"""Coefficients and reason codes: they add up to the score, and never speak of grade or rate."""

import numpy as np
import polars as pl
import pytest
from scipy.special import logit

from financial_pipeline.ml import explain
from financial_pipeline.ml.features import FEATURES
from financial_pipeline.ml.scorecard import FACTOR
from financial_pipeline.ml.train import DefaultModel, fit_model


@pytest.fixture(scope="module")
def model(cohort: pl.DataFrame) -> DefaultModel:
    fitted = fit_model("platform_informed", cohort, cohort["default_d1"].to_numpy())
    return explain.with_averages(fitted, cohort)


def test_points_lost_add_up_to_the_distance_in_score(
    model: DefaultModel, cohort: pl.DataFrame
) -> None:
    lost = explain.points_lost(model, model.design(cohort)).sum(axis=1)
    scores = -FACTOR * logit(model.predict(cohort))
    np.testing.assert_allclose(scores.mean() - scores, lost, atol=1e-9)


def test_coefficients_have_units_and_per_unit_values_hold(
    model: DefaultModel, cohort: pl.DataFrame
) -> None:
    rows = {(row["feature"], row["term"]): row for row in explain.coefficient_rows(model)}
    assert all(row["unit"] for row in rows.values())
    # Two loans that differ by one unit inside the winsorised range.
    pair = cohort.head(1).with_columns(dti=pl.lit(20.0))
    pair = pl.concat([pair, pair.with_columns(dti=pl.lit(21.0))])
    step = np.diff(logit(model.predict(pair)))[0]
    assert step == pytest.approx(rows[("dti", "value")]["per_unit"])
    assert ("emp_length", "missing") in rows
    assert ("purpose", "credit_card") in rows


def test_reasons_are_at_most_four_in_order_and_never_grade_or_rate(
    model: DefaultModel, cohort: pl.DataFrame
) -> None:
    codes = explain.reason_codes(model, model.design(cohort))
    assert codes.columns == [
        f"{name}_{rank}" for rank in range(1, 5) for name in ("reason", "points_lost")
    ]
    named = set(codes.select(f"reason_{rank}" for rank in range(1, 5)).unpivot()["value"]) - {None}
    assert named
    assert named <= {name for name, feature in FEATURES.items() if feature.reason}
    assert not named & {"int_rate", "grade", "sub_grade"}
    first, second = codes["points_lost_1"], codes["points_lost_2"].fill_null(0)
    assert (first.fill_null(0) >= second).all()
    assert first.drop_nulls().min() > 0


def test_reasons_name_what_was_made_worse(model: DefaultModel, cohort: pl.DataFrame) -> None:
    poor = cohort.head(1).with_columns(ln_annual_inc=pl.lit(9.5), dti=pl.lit(10.0))
    assert explain.reason_codes(model, model.design(poor))["reason_1"][0] == "ln_annual_inc"


def test_reasons_of_no_loans_are_an_empty_table(model: DefaultModel, cohort: pl.DataFrame) -> None:
    assert explain.reason_codes(model, model.design(cohort)[:0]).height == 0


def test_strongest_feature_is_the_one_that_moves_scores_most(
    model: DefaultModel, cohort: pl.DataFrame
) -> None:
    assert explain.strongest_feature(model, cohort) == "int_rate"
