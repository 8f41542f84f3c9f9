"""Books of loans that the model tests share: a made-up one, and the real one where it is there."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.ml.features import build_features
from financial_pipeline.ml.populations import d1_cohort
from financial_pipeline.schemas.lending_club import CLASS_X
from financial_pipeline_tests.ml.loans import Book, make_book
from financial_pipeline_tests.ml.real_loans import applications, outcomes, read_real_loans


@pytest.fixture(scope="session")
def book() -> Book:
    return make_book()


@pytest.fixture(scope="session")
def cohort(book: Book) -> pl.DataFrame:
    return book.cohort()


@pytest.fixture(scope="session")
def real_book(shared_data: Path) -> Book:
    loans = read_real_loans(shared_data)
    return Book(
        applications(loans), outcomes(loans), loans.select(sorted(CLASS_X & set(loans.columns)))
    )


@pytest.fixture(scope="session")
def real_cohort(real_book: Book) -> pl.DataFrame:
    return d1_cohort(build_features(real_book.applications.lazy()), real_book.loans.lazy())
