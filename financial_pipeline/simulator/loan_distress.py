"""Hardship plans and debt settlements: the columns that few loans ever fill."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.simulator.borrowers import Borrowers
from financial_pipeline.simulator.loan_calendar import by_year, month_texts
from financial_pipeline.simulator.loan_draws import IntArray, Part, choose, generator
from financial_pipeline.simulator.loan_states import STATUS_TEXTS, State, owed_after
from financial_pipeline.simulator.loan_texts import lookup
from financial_pipeline.simulator.outcomes import DEFAULT_LAG, Outcomes

# Plans began in spring 2017; about one loan in a hundred of those then on book took one.
FIRST_PLAN: Final = 12 * 2017 + 4
PLAN_WINDOW: Final = 20
PLAN_SHARE: Final = 0.02
PLAN_MONTHS: Final = 3
SETTLEMENT_SHARES: Final = {2014: 0.024, 2015: 0.10, 2016: 0.14, 2019: 0.16, 2029: 0.16}
REASONS: Final = (
    "UNEMPLOYMENT",
    "MEDICAL",
    "EXCESSIVE_OBLIGATIONS",
    "NATURAL_DISASTER",
    "REDUCED_HOURS",
    "DIVORCE",
    "DISABILITY",
    "FAMILY_DEATH",
)
NEVER: Final = 10**6


@dataclass(frozen=True)
class Distress:
    """The filled columns, and the calendar months from which they show and in which they end."""

    hardship: pl.DataFrame
    hardship_start: IntArray
    settlement: pl.DataFrame
    settlement_start: IntArray
    settlement_end: IntArray
    is_broken: pl.Series


def draw_distress(seed: int, chunk: int, loans: Borrowers, outcomes: Outcomes) -> Distress:
    """Draw hardship plans and settlements of one chunk of loans."""
    rng = generator(seed, Part.DISTRESS, chunk)
    size = loans.issue.size
    hardship, hardship_start = _plans(rng, loans, outcomes)
    exit_calendar = loans.issue + outcomes.exit_month
    settles = outcomes.is_default & (rng.random(size) < by_year(SETTLEMENT_SHARES, exit_calendar))
    start = np.where(settles, exit_calendar + rng.integers(1, 14, size), NEVER)
    term = np.array([0, 1, 6, 12, 18, 24])[choose(rng, (0.2, 0.2, 0.1, 0.15, 0.2, 0.15), size)]
    return Distress(
        hardship=hardship,
        hardship_start=hardship_start,
        settlement=_settlements(rng, loans, outcomes, start, term),
        settlement_start=start,
        settlement_end=start + term,
        is_broken=pl.Series(rng.random(size) < 0.15),
    )


def distress_at(distress: Distress, month: int) -> pl.DataFrame:
    """The columns of HARDSHIP and SETTLEMENT as a snapshot of that calendar month shows them."""
    planned = pl.Series(distress.hardship_start <= month)
    active = planned & pl.Series(month < distress.hardship_start + PLAN_MONTHS)
    ended = pl.Series(np.where(distress.is_broken, "BROKEN", "COMPLETED"))
    settled = pl.Series(distress.settlement_start <= month)
    paying = pl.Series(month < distress.settlement_end)
    closed = pl.Series(np.where(distress.is_broken, "BROKEN", "COMPLETE"))
    hardship = distress.hardship.with_columns(
        pl.when(active).then(pl.lit("ACTIVE")).otherwise(ended).alias("hardship_status")
    )
    settlement = distress.settlement.with_columns(
        pl.when(paying).then(pl.lit("ACTIVE")).otherwise(closed).alias("settlement_status")
    )
    return pl.concat(
        [
            hardship.select(pl.when(planned).then(pl.all()).name.keep()),
            settlement.select(pl.when(settled).then(pl.all()).name.keep()),
        ],
        how="horizontal",
    ).with_columns(
        hardship_flag=pl.when(active).then(pl.lit("Y")).otherwise(pl.lit("N")),
        debt_settlement_flag=pl.when(settled).then(pl.lit("Y")).otherwise(pl.lit("N")),
    )


def _plans(
    rng: np.random.Generator, loans: Borrowers, outcomes: Outcomes
) -> tuple[pl.DataFrame, IntArray]:
    """A plan of three months with payments of interest only, while the loan is on book."""
    size = loans.issue.size
    start = FIRST_PLAN + rng.integers(0, PLAN_WINDOW, size)
    age = start - loans.issue
    last_regular = outcomes.exit_month - np.where(outcomes.is_default, DEFAULT_LAG, 1)
    planned = (rng.random(size) < PLAN_SHARE) & (age >= 3) & (age + PLAN_MONTHS <= last_regular)
    owed = owed_after(loans, np.where(planned, age, 0)).round(2)
    interest = (owed * loans.rate / 12).round(2)
    late_days = np.where(rng.random(size) < 0.5, 0, rng.integers(1, 30, size))
    status = np.select(
        [late_days == 0, late_days <= 15], [State.CURRENT, State.GRACE], State.D16_30
    )
    projected = np.where(rng.random(size) < 0.9, 3 * interest, np.nan).round(2)
    frame = pl.DataFrame(
        {
            "hardship_type": ["INTEREST ONLY-3 MONTHS DEFERRAL"] * size,
            "hardship_reason": lookup(REASONS, rng.integers(0, len(REASONS), size)),
            "deferral_term": np.full(size, float(PLAN_MONTHS)),
            "hardship_amount": interest,
            "hardship_start_date": month_texts(start),
            "hardship_end_date": month_texts(start + PLAN_MONTHS),
            "payment_plan_start_date": month_texts(start + rng.integers(0, 2, size)),
            "hardship_length": np.full(size, float(PLAN_MONTHS)),
            "hardship_dpd": late_days.astype(np.float64),
            "hardship_loan_status": lookup(STATUS_TEXTS, status.astype(np.int64)),
            "orig_projected_additional_accrued_interest": projected,
            "hardship_payoff_balance_amount": owed,
            "hardship_last_payment_amount": (loans.installment * rng.random(size)).round(2),
        },
        nan_to_null=True,
    )
    return frame, np.where(planned, start, NEVER)


def _settlements(
    rng: np.random.Generator,
    loans: Borrowers,
    outcomes: Outcomes,
    start: IntArray,
    term: IntArray,
) -> pl.DataFrame:
    """A part of the balance at default, in up to two years of instalments."""
    paid = np.where(outcomes.is_default, outcomes.exit_month - DEFAULT_LAG, 0)
    shares = np.array([40.0, 45.0, 50.0, 55.0, 60.0, 65.0])
    percentage = shares[choose(rng, (0.1, 0.45, 0.2, 0.1, 0.1, 0.05), start.size)]
    shown = np.minimum(start, loans.issue + 200)
    return pl.DataFrame(
        {
            "debt_settlement_flag_date": month_texts(shown),
            "settlement_date": month_texts(shown),
            "settlement_amount": (owed_after(loans, paid) * percentage / 100).round(2),
            "settlement_percentage": percentage,
            "settlement_term": term.astype(np.float64),
        }
    )
