"""A chunk of loans, and its rows of the 151-column file at one snapshot month.

The columns known at origination are assembled once per chunk; each snapshot adds the columns that
follow from cutting the loans' lives at its month.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline.simulator.borrowers import Borrowers, draw_borrowers
from financial_pipeline.simulator.bureau import draw_bureau
from financial_pipeline.simulator.loan_calendar import issue_months, month_texts
from financial_pipeline.simulator.loan_distress import Distress, distress_at, draw_distress
from financial_pipeline.simulator.loan_draws import FloatArray, IntArray, Part, choose, generator
from financial_pipeline.simulator.loan_states import (
    STATUS_TEXTS,
    LoanStates,
    State,
    states_at,
)
from financial_pipeline.simulator.loan_texts import draw_texts, lookup
from financial_pipeline.simulator.outcomes import Outcomes, draw_outcomes

FIRST_SECOND_APPLICANT: Final = 12 * 2017 + 2
DTI_LIMIT: Final = 999.0
# Loans that are drawn, held and written together.
CHUNK_LOANS: Final = 25_000
FIRST_ID: Final = 54_000
ID_STEP: Final = 14
POLICY_PREFIX: Final = "Does not meet the credit policy. Status:"
# Of the loans charged off in the snapshot month, those still called Default.
DEFAULT_TEXT_SHARE: Final = 0.02


def joint_columns(rng: np.random.Generator, loans: Borrowers) -> pl.DataFrame:
    """Income and dti of one and of both applicants, and the second applicant's columns.

    Income and dti of the draw are those of the household; of a joint loan, the first applicant
    earns a part, so his own dti is far higher.
    """
    size, joint = loans.issue.size, loans.is_joint
    part = np.where(joint, rng.uniform(0.2, 0.8, size), 1.0)
    own_dti = np.where(joint, np.minimum(loans.dti / part, DTI_LIMIT), loans.dti)
    verification = choose(rng, (0.35, 0.5, 0.15), size)
    joint_columns = {
        "annual_inc_joint": np.where(joint, loans.income, np.nan),
        "dti_joint": np.where(joint, loans.dti, np.nan),
    }
    second = joint & (loans.issue >= FIRST_SECOND_APPLICANT)
    opened = month_texts(loans.issue - rng.integers(40, 400, size), ~second)
    numbers = {
        "annual_inc": np.round(loans.income * part),
        "dti": own_dti.round(2),
        **joint_columns,
        **{name: np.where(second, x, np.nan) for name, x in _second(rng, loans).items()},
    }
    frame = pl.DataFrame(numbers, nan_to_null=True)
    statuses = lookup(tuple(tables.VERIFICATIONS), verification)
    return frame.with_columns(
        verification_status_joint=statuses.set(pl.Series(~joint), None),
        sec_app_earliest_cr_line=opened,
    )


def _second(rng: np.random.Generator, loans: Borrowers) -> dict[str, FloatArray]:
    size = loans.issue.size
    score = 5 * np.round(np.clip(670 + 42 * rng.standard_normal(size), 540, 845) / 5)
    accounts = np.maximum(np.round(rng.gamma(3.0, 3.8, size)), 0)
    derogatory = np.round(rng.uniform(1, 90, size))
    return {
        "revol_bal_joint": np.exp(10.1 + 0.8 * rng.standard_normal(size)).round(),
        "sec_app_fico_range_low": score,
        "sec_app_fico_range_high": score + np.where(score == 845, 5, 4),
        "sec_app_inq_last_6mths": _count(rng, (0.60, 0.25, 0.10, 0.04, 0.01), size),
        "sec_app_mort_acc": _count(rng, (0.43, 0.18, 0.14, 0.11, 0.08, 0.06), size),
        "sec_app_open_acc": accounts,
        "sec_app_revol_util": np.clip(58 + 26 * rng.standard_normal(size), 0, 140).round(1),
        "sec_app_open_act_il": np.round(accounts * rng.uniform(0.05, 0.5, size)),
        "sec_app_num_rev_accts": np.round(accounts * rng.uniform(0.8, 1.6, size)),
        "sec_app_chargeoff_within_12_mths": _count(rng, (0.96, 0.03, 0.01), size),
        "sec_app_collections_12_mths_ex_med": _count(rng, (0.93, 0.05, 0.02), size),
        "sec_app_mths_since_last_major_derog": np.where(
            rng.random(size) < 0.67, np.nan, derogatory
        ),
    }


def _count(rng: np.random.Generator, chances: tuple[float, ...], size: int) -> FloatArray:
    return choose(rng, chances, size).astype(np.float64)


@dataclass(frozen=True)
class LoanChunk:
    """Consecutive loans in issue order: the draw, the outcomes and the fixed columns."""

    loans: Borrowers
    outcomes: Outcomes
    fixed: pl.DataFrame
    distress: Distress
    score_noise: FloatArray
    pull_lag: IntArray
    is_default_text: pl.Series


def chunk_count(loans: int) -> int:
    """Return the number of chunks of a book of this many loans."""
    return -(-loans // CHUNK_LOANS)


def draw_chunk(seed: int, loans: int, chunk: int) -> LoanChunk:
    """Draw chunk number `chunk` of a book of `loans` loans; each chunk can be drawn alone."""
    first = chunk * CHUNK_LOANS
    last = min(first + CHUNK_LOANS, loans)
    borrowers = draw_borrowers(seed, chunk, issue_months(first, last, loans))
    outcomes = draw_outcomes(seed, chunk, borrowers)
    rng = generator(seed, Part.FILE, chunk)
    size = last - first
    ids = FIRST_ID + ID_STEP * np.arange(first, last) + rng.integers(0, ID_STEP, size)
    return LoanChunk(
        loans=borrowers,
        outcomes=outcomes,
        fixed=_fixed_columns(seed, chunk, borrowers, ids),
        distress=draw_distress(seed, chunk, borrowers, outcomes),
        score_noise=rng.standard_normal(size),
        pull_lag=rng.geometric(0.08, size) - 1,
        is_default_text=pl.Series(rng.random(size) < DEFAULT_TEXT_SHARE),
    )


def snapshot_rows(chunk: LoanChunk, month: int) -> pl.DataFrame:
    """The loans issued up to the calendar month `month`, as its snapshot shows them.

    Columns: LOAN_COLUMNS; numbers are Float64 as upstream writes them (`5.0`), rates and
    utilisation in per cent, months as text.
    """
    issued = int(np.searchsorted(chunk.loans.issue, month, side="right"))
    if issued == 0:
        return pl.DataFrame(schema=dict.fromkeys(LOAN_COLUMNS, pl.String))
    states = states_at(chunk.loans, chunk.outcomes, month)
    performance = _performance_columns(chunk, states, month)
    distress = distress_at(chunk.distress, month)
    plan = pl.when(distress["hardship_flag"] == "Y").then(pl.lit("y")).otherwise(pl.lit("n"))
    frame = pl.concat([chunk.fixed, performance, distress], how="horizontal")
    return frame.with_columns(pymnt_plan=plan).select(LOAN_COLUMNS).head(issued)


def _fixed_columns(seed: int, chunk: int, loans: Borrowers, ids: IntArray) -> pl.DataFrame:
    fico = loans.fico.astype(np.float64)
    numbers = pl.DataFrame(
        {
            "loan_amnt": loans.amount,
            "funded_amnt": loans.funded,
            "funded_amnt_inv": loans.invested,
            "int_rate": (100 * loans.rate).round(2),
            "installment": loans.installment,
            "issue_d": month_texts(loans.issue),
            "fico_range_low": fico,
            "fico_range_high": fico + np.where(fico == tables.FICO_RANGE[1], 5, 4),
            "policy_code": np.ones(fico.size),
        }
    )
    return pl.concat(
        [
            draw_texts(seed, chunk, loans, ids),
            numbers,
            draw_bureau(seed, chunk, loans),
            joint_columns(generator(seed, Part.JOINT, chunk), loans),
        ],
        how="horizontal",
    )


def _performance_columns(chunk: LoanChunk, states: LoanStates, month: int) -> pl.DataFrame:
    loans = chunk.loans
    invested = loans.invested / loans.funded
    total = (states.principal + states.interest + states.late_fees + states.recoveries).round(2)
    is_open = states.state < State.CHARGED_OFF
    credit_pull = np.where(
        is_open, month, np.minimum(loans.issue + chunk.outcomes.exit_month + chunk.pull_lag, month)
    )
    paid = states.last_payment > 0
    return pl.DataFrame(
        {
            "loan_status": _status_texts(chunk, states, month),
            "out_prncp": states.balance,
            "out_prncp_inv": (states.balance * invested).round(2),
            "total_pymnt": total,
            "total_pymnt_inv": (total * invested).round(2),
            "total_rec_prncp": states.principal,
            "total_rec_int": states.interest,
            "total_rec_late_fee": states.late_fees,
            "recoveries": states.recoveries,
            "collection_recovery_fee": states.collection_fee,
            "last_pymnt_d": month_texts(loans.issue + states.last_payment, ~paid),
            "last_pymnt_amnt": states.last_payment_amount,
            "next_pymnt_d": month_texts(np.full(paid.size, month + 1), ~is_open),
            "last_credit_pull_d": month_texts(credit_pull),
            **_last_scores(chunk, states),
        }
    )


def _status_texts(chunk: LoanChunk, states: LoanStates, month: int) -> pl.Series:
    text = lookup(STATUS_TEXTS, states.state)
    fresh = pl.Series(
        (states.state == State.CHARGED_OFF)
        & (month == chunk.loans.issue + chunk.outcomes.exit_month)
    )
    frame = pl.DataFrame({"text": text, "called_default": fresh & chunk.is_default_text})
    frame = frame.with_columns(exception=pl.Series(~chunk.loans.policy_met))
    status = pl.when("called_default").then(pl.lit("Default")).otherwise("text")
    prefixed = pl.when("exception").then(POLICY_PREFIX + status).otherwise(status)
    return frame.select(prefixed.alias("loan_status")).to_series()


def _last_scores(chunk: LoanChunk, states: LoanStates) -> dict[str, FloatArray]:
    """The latest score: far lower after a charge-off, and 499 or less is written as 0 to 499."""
    shift = np.select(
        [states.state == State.CHARGED_OFF, states.state == State.D31_120], [-130.0, -90.0], 0.0
    )
    score = 5 * np.round((chunk.loans.fico + shift + 35 * chunk.score_noise) / 5)
    score = np.minimum(score, 845)
    low = np.where(score < 500, 0.0, score)
    high = np.where(score < 500, 499.0, score + np.where(score == 845, 5, 4))
    return {"last_fico_range_high": high, "last_fico_range_low": low}
