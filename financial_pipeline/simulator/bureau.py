"""The credit-bureau columns of a chunk of loans, with the vintages in which they exist.

Marginal distributions are given by a few quantiles; columns that are parts of another column
(open accounts of all accounts, bank cards of revolving accounts) are drawn as shares of it.
"""

from typing import Final

import numpy as np
import polars as pl

from financial_pipeline.schemas.lending_club import BUREAU_2012, BUREAU_2015
from financial_pipeline.simulator import borrower_tables
from financial_pipeline.simulator import bureau_tables as tables
from financial_pipeline.simulator.borrowers import BoolArray, Borrowers
from financial_pipeline.simulator.loan_calendar import by_year, month_texts
from financial_pipeline.simulator.loan_draws import FloatArray, IntArray, Part, choose, generator

DECEMBER_2015: Final = 12 * 2015 + 11
# The credit policy asks for a credit history of three years.
MINIMUM_HISTORY: Final = 36
NO_RECENT_DELINQUENCY: Final = tables.COUNT_CHANCES["delinq_2yrs"][0]
NO_PUBLIC_RECORD: Final = borrower_tables.PUBLIC_RECORD_SHARES[0]

Columns = dict[str, FloatArray]


def draw_bureau(seed: int, chunk: int, loans: Borrowers) -> pl.DataFrame:
    """One row per loan: the columns of BUREAU_CORE, BUREAU_2012 and BUREAU_2015, as upstream."""
    rng = generator(seed, Part.BUREAU, chunk)
    size = loans.issue.size
    columns: Columns = {
        name: np.round(np.interp(rng.random(size), tables.PROBABILITIES, knots))
        for name, knots in tables.QUANTILES.items()
    }
    for name, chances in tables.COUNT_CHANCES.items():
        columns[name] = choose(rng, chances, size).astype(np.float64)
    columns |= _accounts(rng, loans)
    columns |= _balances(rng, loans, columns)
    for name, (whole, low, high) in tables.SHARES.items():
        columns[name] = np.round(columns[whole] * rng.uniform(low, high, size))
    _keep_in_bounds(columns)
    columns |= _ratios(rng, loans, columns)
    columns |= _records(rng, loans, columns)
    oldest = np.maximum(columns["mo_sin_old_rev_tl_op"], MINIMUM_HISTORY).astype(np.int64)
    _blank_what_never_happened(rng, loans, columns)
    _blank_by_vintage(rng, loans.issue, columns)
    no_file = np.isnan(columns["total_acc"])
    frame = pl.DataFrame(columns, nan_to_null=True)
    return frame.with_columns(earliest_cr_line=month_texts(loans.issue - oldest, no_file))


def _accounts(rng: np.random.Generator, loans: Borrowers) -> Columns:
    """Open accounts 11.6 +- 5.6 and all accounts 24.2 +- 12.0 (methodology 7.1)."""
    size = loans.issue.size
    open_accounts = np.maximum(np.round(rng.gamma(4.29, 2.70, size)), 1)
    closed = np.round(rng.gamma(1.41, 8.94, size))
    return {"open_acc": open_accounts, "total_acc": open_accounts + closed}


def _balances(rng: np.random.Generator, loans: Borrowers, drawn: Columns) -> Columns:
    """Limits follow income; balances are limits times utilisation."""
    size = loans.issue.size
    limit = np.exp(10.15 + 0.35 * loans.scores[:, 1] + 0.65 * rng.standard_normal(size))
    limit = np.maximum(np.round(limit, -2), 500.0)
    revolving = np.round(limit * loans.utilisation / 100)
    instalment = np.round(np.exp(10.0 + 0.9 * rng.standard_normal(size)))
    instalment = np.where(rng.random(size) < 0.1, 0.0, instalment)
    has_mortgage = loans.home == list(borrower_tables.HOMES).index("MORTGAGE")
    mortgage = np.round(has_mortgage * np.exp(11.9 + 0.5 * rng.standard_normal(size)))
    total = revolving + instalment + mortgage
    credit = np.round(instalment * 100 / np.maximum(drawn["il_util"], 40))
    collections = np.round(np.exp(6.0 + 1.3 * rng.standard_normal(size)))
    return {
        "total_rev_hi_lim": limit,
        "revol_bal": revolving,
        "total_bal_il": instalment,
        "total_il_high_credit_limit": credit,
        "total_bal_ex_mort": revolving + instalment,
        "tot_cur_bal": total,
        "tot_hi_cred_lim": limit + credit + np.round(1.1 * mortgage),
        "tot_coll_amt": np.where(rng.random(size) < 0.85, 0.0, collections),
    }


def _keep_in_bounds(columns: Columns) -> None:
    """All accounts of a kind are at least the open ones, and no card owes more than all."""
    columns["num_rev_accts"] = np.maximum(columns["num_rev_accts"], columns["num_op_rev_tl"])
    columns["num_bc_tl"] = np.maximum(columns["num_bc_tl"], columns["num_bc_sats"])
    others = columns["total_acc"] - columns["num_rev_accts"]
    columns["num_il_tl"] = np.minimum(columns["num_il_tl"], others)
    columns["open_act_il"] = np.minimum(columns["open_act_il"], columns["num_il_tl"])
    columns["max_bal_bc"] = np.minimum(columns["max_bal_bc"], columns["revol_bal"])


def _ratios(rng: np.random.Generator, loans: Borrowers, drawn: Columns) -> Columns:
    """Columns computed from others."""
    size = loans.issue.size
    cards = np.clip(loans.utilisation + 15 * rng.standard_normal(size) + 7, 0, 150).round(1)
    inquiries = loans.inquiries.astype(np.float64)
    ever_late = choose(rng, (0.49, 0.2, 0.12, 0.08, 0.06, 0.05), size)
    # Small wholes make the usual fractions 0, 50, 33.3, 66.7 and 100 per cent.
    full_cards = np.minimum(drawn["num_bc_sats"], np.round(cards / 100 * drawn["num_bc_sats"]))
    return {
        "revol_util": loans.utilisation.copy(),
        "inq_last_6mths": inquiries,
        "inq_last_12m": inquiries + choose(rng, (0.4, 0.25, 0.15, 0.1, 0.06, 0.04), size),
        "open_il_24m": drawn["open_il_12m"] + choose(rng, (0.45, 0.3, 0.15, 0.1), size),
        "open_rv_24m": drawn["open_rv_12m"] + choose(rng, (0.3, 0.3, 0.2, 0.12, 0.08), size),
        "avg_cur_bal": np.round(drawn["tot_cur_bal"] / drawn["open_acc"]),
        "bc_util": cards,
        "bc_open_to_buy": np.round(drawn["total_bc_limit"] * np.maximum(1 - cards / 100, 0)),
        "all_util": np.round((loans.utilisation + drawn["il_util"]) / 2),
        "pct_tl_nvr_dlq": (100 * (1 - np.minimum(ever_late / drawn["total_acc"], 1))).round(1),
        "percent_bc_gt_75": (100 * full_cards / np.maximum(drawn["num_bc_sats"], 1)).round(1),
    }


def _records(rng: np.random.Generator, loans: Borrowers, drawn: Columns) -> Columns:
    """Public records, and the debt on accounts that are delinquent now."""
    size = loans.issue.size
    records = loans.public_records.astype(np.float64)
    bankruptcies = np.where(rng.random(size) < 0.75, np.minimum(records, 1), 0.0)
    liens = np.where(rng.random(size) < 0.4, records - bankruptcies, 0.0)
    owed = np.round(np.exp(5.5 + 1.5 * rng.standard_normal(size)))
    recent = drawn["delinq_2yrs"] > 0
    since = np.where(recent, rng.integers(0, 25, size), drawn["mths_since_last_delinq"])
    return {
        "pub_rec": records,
        "pub_rec_bankruptcies": bankruptcies,
        "tax_liens": liens,
        "delinq_amnt": np.where(drawn["acc_now_delinq"] > 0, owed, 0.0),
        "mths_since_last_delinq": since,
    }


def _blank_what_never_happened(
    rng: np.random.Generator, loans: Borrowers, columns: Columns
) -> None:
    """Months since an event are missing where there was none; the first vintages wrote 0."""
    events = {
        "mths_since_last_delinq": (columns["delinq_2yrs"] > 0, NO_RECENT_DELINQUENCY),
        "mths_since_last_record": (columns["pub_rec"] > 0, NO_PUBLIC_RECORD),
    }
    for name, (happened, no_event) in events.items():
        share = by_year(tables.NO_EVENT_NULLS[name], loans.issue)
        chance = np.where(
            happened, np.maximum(share - no_event, 0) / (1 - no_event), share / no_event
        )
        columns[name][rng.random(chance.size) < chance] = np.nan
    for name, natural in tables.NATURAL_NULLS.items():
        columns[name][rng.random(loans.issue.size) < natural] = np.nan


def _blank_by_vintage(rng: np.random.Generator, issue: IntArray, columns: Columns) -> None:
    """Columns start with a vintage; those of 2012 in the course of that year."""
    year_passed = (issue % 12 + rng.random(issue.size)) / 12 + (issue // 12 - 2012)
    for name in sorted(BUREAU_2012):
        columns[name][_before(year_passed, tables.ROLLOUT_2012.get(name))] = np.nan
    for name in sorted(BUREAU_2015):
        columns[name][issue < DECEMBER_2015] = np.nan
    for name, shares in tables.EARLY_NULLS.items():
        if name in columns:
            columns[name][rng.random(issue.size) < by_year(shares, issue)] = np.nan


def _before(year_passed: FloatArray, rollout: float | None) -> BoolArray:
    return np.asarray(year_passed < (tables.ROLLOUT_THIRD if rollout is None else rollout))
