"""The scorecard: golden vectors G5 and G8, its bins, and its SQL twin."""

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.ml import scorecard
from financial_pipeline.ml.features import FEATURE_SETS, build_features
from financial_pipeline.ml.scorecard_sql import scorecard_sql
from financial_pipeline_tests.ml.loans import Book


@pytest.fixture(scope="module")
def card(cohort: pl.DataFrame) -> scorecard.Scorecard:
    return scorecard.fit_scorecard(
        cohort, cohort["default_d1"].to_numpy(), FEATURE_SETS["platform_informed"]
    )


def _sql_scores(query: str, applications: pl.DataFrame) -> pl.DataFrame:
    with duckdb.connect() as connection:
        connection.register("fct_loan_applications", applications.to_arrow())
        columns = connection.execute(query).fetchnumpy()
    return pl.DataFrame(dict(columns)).sort("loan_key")


def test_weight_of_evidence_reproduces_golden_vector_g5() -> None:
    woe, value = scorecard.weight_of_evidence([400, 350, 150], [20, 40, 40])
    expected = [0.7985076962177714, -0.028170876966696335, -0.8754687373539001]
    assert woe == pytest.approx(expected, abs=1e-12)
    assert value == pytest.approx(0.39977981864655077, abs=1e-12)


def test_weight_of_evidence_is_finite_for_empty_cells_and_neutral_for_empty_bins() -> None:
    woe, value = scorecard.weight_of_evidence([50, 50, 0], [0, 10, 0])
    assert np.isfinite(woe).all()
    assert woe[0] > 0
    assert woe[2] == 0
    assert np.isfinite(value)


def test_small_bins_are_pooled_and_others_smoothed_towards_the_odds_of_the_book() -> None:
    """The book has 850 goods and 150 bads; 49 loans say nothing, 50 good ones little."""
    goods, bads = [701, 50, 50, 49, 0], [99, 50, 0, 0, 1]
    woe = scorecard.smoothed_weights(goods, bads)
    # ln((701 + 42.5) / (99 + 7.5) * 150 / 850), and so on.
    assert woe == pytest.approx([0.2086227, -1.2591774, 0.7777046, 0.0, 0.0], abs=1e-7)


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_loan_without_a_value_costs_and_earns_no_points(
    cohort: pl.DataFrame, outcome: int
) -> None:
    known = cohort.filter(pl.col("revol_util").is_not_null())
    one = known.head(1).with_columns(
        revol_util=pl.lit(None, pl.Float64), default_d1=pl.lit(outcome, pl.Int8)
    )
    loans = pl.concat([known, one])
    target = loans["default_d1"].to_numpy()
    card = scorecard.fit_scorecard(loans, target, FEATURE_SETS["borrower_only"])
    item = next(item for item in card.characteristics if item.feature == "revol_util")
    assert item.loans[-1] == 1
    assert item.points[-1] == 0.0


def test_points_reproduce_golden_vector_g8_and_the_anchor() -> None:
    assert pytest.approx(28.8539008178, abs=1e-9) == scorecard.FACTOR
    assert pytest.approx(487.1228762, abs=1e-7) == scorecard.OFFSET
    assert scorecard.points(0.05) == pytest.approx(572.0814264733772, abs=1e-10)
    assert scorecard.points(1 / 51) == pytest.approx(600, abs=1e-10)


@settings(deadline=None)
@given(st.floats(1e-6, 1 - 1e-6))
def test_probability_is_the_inverse_of_points(pd: float) -> None:
    assert scorecard.probability(scorecard.points(pd)) == pytest.approx(pd, rel=1e-9)


def test_every_loan_is_in_one_bin_of_each_feature(
    card: scorecard.Scorecard, cohort: pl.DataFrame
) -> None:
    target = cohort["default_d1"].to_numpy()
    for item in card.characteristics:
        assert sum(item.loans) == cohort.height
        assert sum(item.defaults) == target.sum()
        numbers = item.bin_numbers(cohort[item.feature])
        counted = np.bincount(numbers, minlength=len(item.loans))
        assert counted.tolist() == list(item.loans)


def test_bins_of_numbers_hold_at_least_five_percent(card: scorecard.Scorecard) -> None:
    for item in card.characteristics:
        if item.is_numeric:
            known = item.loans[:-1]
            assert min(known) >= 0.05 * sum(known), item.feature


def test_a_number_with_few_values_keeps_them_apart(
    card: scorecard.Scorecard, cohort: pl.DataFrame
) -> None:
    inquiries = next(c for c in card.characteristics if c.feature == "inq_last_6mths")
    assert inquiries.edges[:2] == (0.5, 1.5)


def test_score_and_pd_agree_and_riskier_bins_cost_points(
    card: scorecard.Scorecard, cohort: pl.DataFrame
) -> None:
    np.testing.assert_allclose(scorecard.points(card.predict(cohort)), card.score(cohort))
    rate = next(c for c in card.characteristics if c.feature == "int_rate")
    assert rate.points[0] > rate.points[len(rate.edges)]


def test_sql_and_python_scores_agree_for_every_loan(card: scorecard.Scorecard, book: Book) -> None:
    odd = book.applications.with_columns(
        home_ownership=pl.when(pl.col("loan_key") < 50)
        .then(pl.lit("NONE"))
        .otherwise("home_ownership"),
        purpose=pl.when(pl.col("loan_key") < 90).then(pl.lit("o'neill")).otherwise("purpose"),
        income_effective=pl.when(pl.col("loan_key") > 20).then("income_effective"),
        revol_util=pl.when(pl.col("loan_key") > 20).then("revol_util").otherwise(892.3),
    )
    features = build_features(odd.lazy()).collect().sort("loan_key")
    found = _sql_scores(scorecard_sql(card), odd)
    assert np.abs(found["score"].to_numpy() - card.score(features)).max() < 1e-9
    assert np.abs(found["pd"].to_numpy() - card.predict(features)).max() < 1e-9


def test_sql_quotes_levels_that_hold_quotes(cohort: pl.DataFrame) -> None:
    named = cohort.with_columns(purpose=pl.lit("o'neill"))
    target = cohort["default_d1"].to_numpy()
    card = scorecard.fit_scorecard(named, target, ["dti", "purpose"])
    assert "= 'o''neill' then" in scorecard_sql(card)


def test_rows_show_every_bin_with_its_label(card: scorecard.Scorecard) -> None:
    rows = scorecard.scorecard_rows(card)
    labels = {(row["feature"], row["label"]) for row in rows}
    assert len(labels) == len(rows)
    assert ("home_ownership", "any other") in labels
    assert ("dti", "MISSING") in labels


def test_real_information_values_are_those_of_the_methodology(real_cohort: pl.DataFrame) -> None:
    target = real_cohort["default_d1"].to_numpy()
    card = scorecard.fit_scorecard(real_cohort, target, FEATURE_SETS["platform_informed"])
    values = {item.feature: item.information_value for item in card.characteristics}
    expected = {"int_rate": 0.332, "term": 0.164, "revol_util": 0.082, "purpose": 0.069}
    for feature, value in expected.items():
        assert values[feature] == pytest.approx(value, abs=0.005), feature
