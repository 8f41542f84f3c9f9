"""One applicant at once: the figures of the portfolio, bands, reasons, and what is refused."""

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.ml import explain, portfolio
from financial_pipeline.ml.artifact import load_models, save_artifact
from financial_pipeline.ml.features import FEATURE_SETS, FEATURES, build_features
from financial_pipeline.ml.portfolio import score_table
from financial_pipeline.ml.scorecard import Scorecard, fit_scorecard
from financial_pipeline.ml.train import DefaultModel, fit_model
from financial_pipeline.ml.what_if import APPLICATION_COLUMNS, score_applicant
from financial_pipeline_tests.ml.loans import Book

Models = dict[str, DefaultModel]
BAND = (0.2, 0.4)


@pytest.fixture(scope="module")
def card(cohort: pl.DataFrame) -> Scorecard:
    return fit_scorecard(cohort, cohort["default_d1"].to_numpy(), FEATURE_SETS["borrower_only"])


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory, cohort: pl.DataFrame, card: Scorecard
) -> Models:
    """Both models, read back from an artifact as the dashboard reads them."""
    target, folder = cohort["default_d1"].to_numpy(), tmp_path_factory.mktemp("artifacts")
    fitted = {
        name: explain.with_averages(fit_model(name, cohort, target), cohort)
        for name in FEATURE_SETS
    }
    return load_models(folder, save_artifact(folder, fitted, card, {}))


def test_an_applicant_gets_the_figures_of_the_loan_with_the_same_columns(
    models: Models, card: Scorecard, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Six batches.
    monkeypatch.setattr(portfolio, "SCORING_BATCH", 7)
    applications = book.applications.head(40)
    scored = score_table(build_features(applications.lazy()), models, card)
    for loan, row in zip(applications.to_dicts(), scored.to_dicts(), strict=True):
        application = {name: loan[name] for name in APPLICATION_COLUMNS}
        found = score_applicant(models, application, *BAND)
        assert found.pd_borrower_only == pytest.approx(row["pd_borrower_only"], abs=1e-12)
        assert found.pd_platform_informed == pytest.approx(row["pd_platform_informed"], abs=1e-12)
        assert found.score == pytest.approx(row["score"], abs=1e-9)
        named = [row[f"reason_{rank}"] for rank in range(1, 5) if row[f"reason_{rank}"]]
        assert [reason.feature for reason in found.reasons] == named
        assert all(reason.text and reason.points_lost > 0 for reason in found.reasons)


def test_the_band_follows_the_range_of_good_thresholds(models: Models) -> None:
    chance = score_applicant(models, {}, *BAND).pd_borrower_only
    bands = [
        score_applicant(models, {}, chance + low, chance + high).band
        for low, high in ((0.01, 0.02), (0.0, 0.01), (-0.01, 0.0))
    ]
    assert bands == ["approve", "review", "decline"]


def test_without_a_rate_there_is_no_platform_informed_probability(models: Models) -> None:
    assert score_applicant(models, {"term": 36}, *BAND).pd_platform_informed is None


def test_an_unseen_level_and_an_empty_application_are_scored(models: Models) -> None:
    found = score_applicant(models, {"purpose": "moon landing", "dti_effective": None}, *BAND)
    assert 0 < found.pd_borrower_only < 1
    assert {reason.feature for reason in found.reasons} <= FEATURES.keys() - {"int_rate"}


def test_a_column_that_no_model_knows_is_refused(models: Models) -> None:
    with pytest.raises(PipelineError, match="total_pymnt"):
        score_applicant(models, {"total_pymnt": 1.0}, *BAND)
