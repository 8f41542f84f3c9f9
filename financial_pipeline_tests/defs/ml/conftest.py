"""A data root whose marts and staging hold the made-up loan book of the model tests."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.defs.ml import applying, card, evaluation, tables, training
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline_tests.ml.loans import CUTOFF, Book, make_book

LAG = 5
WORLD = {"source": "simulated", "is_synthetic": True}


def publish_book(paths: Paths, book: Book) -> None:
    """Publish the book's marts, and put its outcome columns where staging keeps them."""
    loan_ids = pl.format("loan-{}", "loan_key").alias("loan_id")
    tables = {
        "fct_loan_applications": book.applications.with_columns(loan_ids),
        "fct_loans": book.loans.with_columns(loan_ids),
    }
    for name, frame in tables.items():
        contract: Table[pl.DataType] = Table("exports", name, "", ("loan_key",), order=None)
        publication.Publication(paths, "test").register(write_table(paths, contract, frame))
    publication.publish(paths, ["test"], WORLD)
    staged = pl.concat(
        [tables["fct_loans"].select("loan_id"), book.outcomes], how="horizontal"
    ).sort("loan_id", descending=True)
    paths.staging("lending_club_loans").mkdir(parents=True, exist_ok=True)
    staged.write_parquet(paths.staging("lending_club_loans") / "2010-01-01.parquet")


def run_model(paths: Paths) -> dict[str, tables.Outcome]:
    """Every step but Spark's, in order, and the publication that follows."""
    own = publication.Publication(paths, "test")
    found = {
        "training_set": training.build_training_set(own, CUTOFF),
        "default_model": training.train_default_model(own, CUTOFF),
        "evaluation": evaluation.evaluate_model(own, CUTOFF, LAG, "simulated"),
        "scores": applying.score_loans(own, CUTOFF),
        "drift": applying.measure_drift(own, CUTOFF),
        "threshold_table": applying.price_thresholds(own, CUTOFF),
        "model_card": card.write_model_card(own, CUTOFF, is_synthetic=True),
    }
    publication.publish(paths, ["test"], WORLD)
    return found


@pytest.fixture(scope="session")
def book() -> Book:
    return make_book(borrower_effect=2)


@pytest.fixture(scope="session")
def first_run(
    tmp_path_factory: pytest.TempPathFactory, book: Book
) -> tuple[Paths, dict[str, tables.Outcome]]:
    """A data root after one good run; tests that write use the copy of `paths`."""
    found = Paths(tmp_path_factory.mktemp("world"))
    publish_book(found, book)
    return found, run_model(found)


@pytest.fixture
def paths(tmp_path: Path, first_run: tuple[Paths, dict[str, tables.Outcome]]) -> Paths:
    """A copy of the data root after one good run."""
    copy = tmp_path / "data"
    shutil.copytree(first_run[0].data_root, copy)
    return Paths(copy)
