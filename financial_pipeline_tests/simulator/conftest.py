"""A million simulated loans in memory, drawn once for all statistical tests."""

import numpy as np
import polars as pl
import pytest

from financial_pipeline.settings import Settings
from financial_pipeline.simulator.borrowers import Borrowers, draw_borrowers
from financial_pipeline.simulator.loan_calendar import issue_months
from financial_pipeline.simulator.loan_columns import CHUNK_LOANS, chunk_count
from financial_pipeline.simulator.loan_states import states_at
from financial_pipeline.simulator.outcomes import draw_outcomes

SEED = Settings.model_fields["seed"].default
MILLION = 1_000_000
MARCH_2019 = 12 * 2019 + 2
FEATURES = (
    "issue",
    "grade",
    "digit",
    "term",
    "fico",
    "income",
    "dti",
    "utilisation",
    "inquiries",
    "amount",
    "funded",
    "rate",
    "installment",
    "purpose",
    "home",
    "employment",
    "verification",
    "public_records",
    "is_joint",
    "policy_met",
)


def drawn_chunk(seed: int, chunk: int, loans: int) -> tuple[Borrowers, pl.DataFrame]:
    """One chunk of a book: the borrowers, and a frame with their outcome in March 2019."""
    first = chunk * CHUNK_LOANS
    issue = issue_months(first, min(first + CHUNK_LOANS, loans), loans)
    borrowers = draw_borrowers(seed, chunk, issue)
    outcomes = draw_outcomes(seed, chunk, borrowers)
    states = states_at(borrowers, outcomes, MARCH_2019)
    frame = pl.DataFrame({name: getattr(borrowers, name) for name in FEATURES}).with_columns(
        exit_month=outcomes.exit_month,
        is_default=outcomes.is_default,
        state=states.state,
        recoveries=states.recoveries,
        exposure=np.where(outcomes.is_default, borrowers.funded - states.principal, 0.0),
    )
    return borrowers, frame


def drawn_book(seed: int, loans: int) -> pl.DataFrame:
    """A whole book in memory, one row per loan, without its files."""
    return pl.concat([drawn_chunk(seed, chunk, loans)[1] for chunk in range(chunk_count(loans))])


def resolved(book: pl.DataFrame) -> pl.DataFrame:
    """The population of D0 in March 2019 (methodology 1.3)."""
    over = pl.col("issue") + pl.col("exit_month") <= MARCH_2019
    return book.filter(over, pl.col("policy_met"))


def matured(book: pl.DataFrame) -> pl.DataFrame:
    """The population of D1 in March 2019 (methodology 1.3)."""
    return resolved(book).filter(pl.col("issue") + pl.col("term") <= MARCH_2019)


def default_rates(population: pl.DataFrame) -> list[float]:
    """Default rate in per cent by grade A to G."""
    rates = population.group_by("grade").agg(rate=100 * pl.col("is_default").mean()).sort("grade")
    return rates["rate"].to_list()


@pytest.fixture(scope="session")
def million_loans() -> pl.DataFrame:
    return drawn_book(SEED, MILLION)
