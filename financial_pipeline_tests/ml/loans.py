"""A small made-up loan book in the form of the marts, with every outcome column filled."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from financial_pipeline.ml.features import build_features
from financial_pipeline.ml.populations import d1_cohort, months_after
from financial_pipeline.schemas.lending_club import CLASS_X, MONTH_COLUMNS, TEXT_COLUMNS

FIRST_MONTH = date(2010, 1, 1)
MONTHS = 24
CUTOFF = date(2011, 1, 1)


@dataclass(frozen=True)
class Book:
    """`applications` as fct_loan_applications, `loans` as fct_loans, `outcomes` the X columns."""

    applications: pl.DataFrame
    loans: pl.DataFrame
    outcomes: pl.DataFrame

    def cohort(self) -> pl.DataFrame:
        """The D1 cohort."""
        return d1_cohort(build_features(self.applications.lazy()), self.loans.lazy())


def make_book(size: int = 2400, seed: int = 7, borrower_effect: float = 1.0) -> Book:
    """A book of matured loans whose default depends on rate, income and utilisation.

    `borrower_effect` multiplies the effect of the last two; 2 makes a model that may be served.
    """
    rng = np.random.default_rng(seed)
    applications = _applications(rng, size)
    risk = (
        -4.0
        + 12 * applications["int_rate"].to_numpy()
        - 0.6 * borrower_effect * (np.log(applications["income_effective"].to_numpy()) - 11)
        + 0.01 * borrower_effect * (applications["revol_util"].fill_null(50).to_numpy() - 50)
    )
    bad = rng.random(size) < 1 / (1 + np.exp(-risk))
    return Book(applications, _loans(rng, applications, bad), _outcomes(rng, bad))


def _applications(rng: np.random.Generator, size: int) -> pl.DataFrame:
    income = np.exp(rng.normal(11, 0.5, size)).round()
    pick = lambda *levels: rng.choice(levels, size)  # noqa: E731
    known = rng.random(size) > 0.05
    util = pl.Series(rng.uniform(0, 100, size).round(1)).set(pl.Series(~known), None)
    return pl.DataFrame(
        {
            "loan_key": np.arange(1, size + 1),
            "issue_month": [months_after(FIRST_MONTH, i * MONTHS // size) for i in range(size)],
            "loan_amnt": rng.integers(40, 1400, size) * 25.0,
            "term": pick(36, 36, 60),
            "income_effective": income,
            "dti_effective": rng.uniform(0, 40, size).round(2),
            "emp_length": pl.Series(rng.integers(0, 11, size)).set(pl.Series(~known), None),
            "inq_last_6mths": rng.poisson(0.7, size),
            "revol_util": util,
            "delinq_2yrs": rng.poisson(0.3, size),
            "open_acc": rng.poisson(10, size) + 1,
            "pub_rec": rng.poisson(0.1, size),
            "home_ownership": pick("RENT", "MORTGAGE", "OWN"),
            "purpose": pick("credit_card", "debt_consolidation", "other"),
            "verification_status": pick("Verified", "Not Verified"),
            "fico_midpoint": rng.integers(132, 168, size) * 5.0 + 2,
            "int_rate": rng.uniform(0.06, 0.25, size).round(4),
            "grade": pick(*"ABCDEFG"),
            "addr_state": pick("CA", "NY", "TX"),
        }
    )


def _loans(rng: np.random.Generator, applications: pl.DataFrame, bad: np.ndarray) -> pl.DataFrame:
    paid = np.where(bad, rng.uniform(0.1, 0.9, len(bad)), 1.0)
    return applications.select(
        "loan_key",
        "issue_month",
        "grade",
        pl.col("term").alias("term_months"),
        maturity_month=pl.col("issue_month").dt.offset_by(pl.format("{}mo", "term")),
        is_matured=pl.lit(True),
        credit_policy_met=pl.lit(True),
        default_d1=pl.Series(bad).cast(pl.Int16),
        funded_amount_usd="loan_amnt",
        interest_received_usd=0.2 * pl.col("loan_amnt") * pl.Series(paid),
        late_fees_received_usd=pl.lit(0.0),
        total_payment_usd=1.2 * pl.col("loan_amnt") * pl.Series(paid),
        collection_recovery_fee_usd=pl.lit(0.0),
    )


def _outcomes(rng: np.random.Generator, bad: np.ndarray) -> pl.DataFrame:
    """Every class X column, none constant: dates, texts and numbers, half of them mostly null."""
    columns: dict[str, pl.Series] = {}
    for number, name in enumerate(sorted(CLASS_X)):
        values = rng.normal(size=len(bad)) + bad * 0.3
        series = pl.Series(name, values)
        if name in MONTH_COLUMNS:
            series = (series * 300).cast(pl.Int32).cast(pl.Date).dt.truncate("1mo")
        elif name in TEXT_COLUMNS:
            series = pl.Series(name, np.where(values > 1, "late", "fine"))
        known = rng.random(len(bad)) < (1.0, 0.4, 0.01)[number % 3]
        columns[name] = series.set(pl.Series(~known), None)
    return pl.DataFrame(columns)
