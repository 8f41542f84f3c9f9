"""The artifact: equal models give equal bytes, touched ones are refused, no code is loaded."""

import io
import os
import pickle
from pathlib import Path

import polars as pl
import pytest
import skops.io as skops_io

from financial_pipeline.errors import PipelineError
from financial_pipeline.ml.artifact import load_model, read_contents, save_artifact
from financial_pipeline.ml.scorecard import fit_scorecard
from financial_pipeline.ml.train import DefaultModel, fit_model

FACTS = {"cutoff": "2011-01-01", "seed": 1}


@pytest.fixture(scope="module")
def model(cohort: pl.DataFrame) -> DefaultModel:
    return fit_model("borrower_only", cohort, cohort["default_d1"].to_numpy())


@pytest.fixture
def saved(tmp_path: Path, model: DefaultModel, cohort: pl.DataFrame) -> str:
    card = fit_scorecard(cohort, cohort["default_d1"].to_numpy(), model.features)
    return save_artifact(tmp_path, {"borrower_only": model}, card, FACTS)


def test_a_loaded_model_scores_as_the_saved_one(
    tmp_path: Path, saved: str, model: DefaultModel, cohort: pl.DataFrame
) -> None:
    loaded = load_model(tmp_path, saved, "borrower_only")
    assert (loaded.predict(cohort) == model.predict(cohort)).all()
    assert (loaded.name, loaded.features) == (model.name, model.features)
    assert loaded.training_loans == cohort.height


def test_equal_models_have_equal_hashes_and_other_facts_another(
    tmp_path: Path, cohort: pl.DataFrame
) -> None:
    target = cohort["default_d1"].to_numpy()
    first, second = (
        save_artifact(
            tmp_path / name, {"m": fit_model("borrower_only", cohort, target)}, None, FACTS
        )
        for name in ("one", "two")
    )
    assert first == second
    model = fit_model("borrower_only", cohort, target)
    assert save_artifact(tmp_path / "three", {"m": model}, None, {"seed": 2}) != first


@pytest.mark.parametrize(
    "name", ["borrower_only.skops", "scorecard.json", "scorecard.sql", "artifact.json"]
)
def test_a_tampered_file_is_refused_by_its_hash(tmp_path: Path, saved: str, name: str) -> None:
    path = tmp_path / saved / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(PipelineError, match=f"{name} .* was changed"):
        load_model(tmp_path, saved, "borrower_only")


def test_a_missing_artifact_is_refused_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="train it again"):
        read_contents(tmp_path, "0" * 64)


class _Intruder:
    """Runs a command when a pickle of it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("exit 0",)


def test_a_file_that_names_an_unknown_type_is_refused(tmp_path: Path, model: DefaultModel) -> None:
    foreign = DefaultModel("m", ("dti",), _Intruder(), 1, 1)  # type: ignore[arg-type]
    saved = save_artifact(tmp_path, {"m": foreign}, None, FACTS)
    with pytest.raises(PipelineError, match="_Intruder"):
        load_model(tmp_path, saved, "m")


def test_no_file_of_an_artifact_is_a_pickle(tmp_path: Path, saved: str) -> None:
    for path in (tmp_path / saved).iterdir():
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError)):
            pickle.load(io.BytesIO(path.read_bytes()))


def test_only_three_types_beside_those_of_skops_are_trusted(tmp_path: Path, saved: str) -> None:
    content = (tmp_path / saved / "borrower_only.skops").read_bytes()
    assert set(skops_io.get_untrusted_types(data=content)) <= {
        "financial_pipeline.ml.preparation.LevelCoder",
        "financial_pipeline.ml.preparation.QuantileClipper",
        "numpy.dtype",
    }
