"""Books of loans that the model tests share: a made-up one, and a real one of 2007 to 2011.

Every loan of the real file is resolved and matured, so the targets follow from the status alone;
the warehouse is not needed to test the model on it.
"""

import gzip
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.ml.features import build_features
from financial_pipeline.ml.populations import d1_cohort
from financial_pipeline.schemas.lending_club import CLASS_X, MONTH_COLUMNS, TEXT_COLUMNS
from financial_pipeline_tests.ml.loans import Book, make_book

FILE = Path("lendingclub") / "LoanStats3a_REBUILT.csv.gz"
REFUSED_POLICY = "Does not meet the credit policy. Status:"


def read_real_loans(folder: Path) -> pl.DataFrame:
    """All 42,535 loans with staging's types, `loan_key` numbered from 1."""
    text = pl.read_csv(
        gzip.decompress((folder / FILE).read_bytes()),
        skip_rows=1,
        infer_schema=False,
        truncate_ragged_lines=True,
    )
    loans = text.filter(pl.col("loan_status").is_not_null() & pl.col("loan_amnt").is_not_null())
    return (
        loans.with_columns(_typed(column) for column in loans.columns)
        .with_columns(pl.col("int_rate") / 100)
        .with_columns(
            emp_length=pl.when(loans["emp_length"].str.contains("<"))
            .then(pl.lit(0.0))
            .otherwise(pl.col("emp_length")),
            credit_policy_met=~pl.col("loan_status").str.starts_with(REFUSED_POLICY),
        )
        .with_row_index("loan_key", offset=1)
    )


def _typed(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars().replace("", None)
    if column in MONTH_COLUMNS:
        return ("01-" + text).str.to_date("%d-%b-%Y", strict=False).alias(column)
    if column in TEXT_COLUMNS:
        return text
    return text.str.extract(r"(-?[\d.]+)").cast(pl.Float64)


def applications(loans: pl.DataFrame) -> pl.DataFrame:
    """Shape rows like `fct_loan_applications`."""
    return loans.drop(CLASS_X & set(loans.columns)).with_columns(
        issue_month="issue_d",
        income_effective="annual_inc",
        dti_effective="dti",
        fico_midpoint=pl.lit(None, pl.Float64),
        term=pl.col("term").cast(pl.Int64),
    )


def outcomes(loans: pl.DataFrame) -> pl.DataFrame:
    """Shape rows like `fct_loans`, with the columns that the model needs."""
    is_bad = pl.col("loan_status").str.ends_with("Charged Off").cast(pl.Int16)
    return loans.select(
        "loan_key",
        "credit_policy_met",
        "grade",
        issue_month="issue_d",
        term_months=pl.col("term").cast(pl.Int64),
        maturity_month=pl.col("issue_d").dt.offset_by(pl.format("{}mo", pl.col("term").cast(int))),
        is_matured=pl.lit(True),
        default_d1=pl.when("credit_policy_met").then(is_bad),
        funded_amount_usd="funded_amnt",
        interest_received_usd="total_rec_int",
        late_fees_received_usd="total_rec_late_fee",
        total_payment_usd="total_pymnt",
        collection_recovery_fee_usd="collection_recovery_fee",
    )


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
