"""Columns of joint applications, and the second applicant's bureau columns (from March 2017)."""

from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline.simulator.borrowers import Borrowers
from financial_pipeline.simulator.loan_calendar import month_texts
from financial_pipeline.simulator.loan_draws import FloatArray, choose
from financial_pipeline.simulator.loan_texts import lookup

FIRST_SECOND_APPLICANT: Final = 12 * 2017 + 2
DTI_LIMIT: Final = 999.0


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
