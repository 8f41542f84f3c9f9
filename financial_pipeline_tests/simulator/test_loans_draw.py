"""The borrower draw meets the moments and shares of methodology 7.1, on a million loans."""

import numpy as np
import polars as pl
import pytest

from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline.simulator.bureau import draw_bureau
from financial_pipeline.simulator.loan_calendar import issue_months, month_number, month_start
from financial_pipeline.simulator.loan_columns import CHUNK_LOANS
from financial_pipeline_tests.simulator.conftest import MILLION, SEED, drawn_chunk

MOMENTS = {
    "amount": {"mean": 15_047, "std": 9_190, 0.25: 8_000, 0.5: 12_900, 0.75: 20_000},
    "rate": {"mean": 0.1309, "std": 0.0483, 0.25: 0.0949, 0.5: 0.1262, 0.75: 0.1599},
    "installment": {"mean": 445.8},
    "income": {0.25: 46_000, 0.5: 65_000, 0.75: 93_000},
    "dti": {"mean": 18.8, 0.25: 11.9, 0.5: 17.8, 0.75: 24.5},
    "utilisation": {"mean": 50.3, "std": 24.7},
    "inquiries": {"mean": 0.58},
    "fico": {"mean": 698.5, "std": 33},
}


def moment(values: pl.Series, name: str | float) -> float:
    return values.quantile(name, "linear") if isinstance(name, float) else getattr(values, name)()


@pytest.mark.parametrize(
    ("column", "name", "expected"),
    [(column, name, value) for column, want in MOMENTS.items() for name, value in want.items()],
)
def test_draw_meets_the_moments_of_the_full_file(million_loans, column, name, expected):
    assert moment(million_loans[column], name) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("column", "mean", "deviation"), [("open_acc", 11.6, 5.6), ("total_acc", 24.2, 12.0)]
)
def test_bureau_accounts_meet_the_moments_of_the_full_file(column, mean, deviation):
    borrowers, _ = drawn_chunk(SEED, 20, MILLION)
    accounts = draw_bureau(SEED, 20, borrowers)[column]
    assert accounts.mean() == pytest.approx(mean, rel=0.05)
    assert accounts.std() == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize(
    ("column", "shares"),
    [
        ("grade", tables.GRADE_SHARES),
        ("home", tuple(tables.HOMES.values())),
        ("verification", tuple(tables.VERIFICATIONS.values())),
        ("purpose", tuple(share for *_, share in tables.PURPOSES)),
        ("employment", tuple(tables.EMPLOYMENT.values())),
    ],
)
def test_categories_have_their_shares_within_two_points(million_loans, column, shares):
    counts = np.bincount(million_loans[column], minlength=len(shares)) / MILLION
    assert np.abs(counts - np.array(shares)).max() < 0.02


def test_sixty_month_loans_are_three_in_ten_and_start_in_may_2010(million_loans):
    long = million_loans.filter(pl.col("term") == 60)
    assert long.height / MILLION == pytest.approx(0.288, abs=0.01)
    assert month_start(long["issue"].min()).isoformat() == "2010-05-01"


def test_round_amounts_have_their_shares(million_loans):
    for amount, share in zip(tables.AMOUNT_SPIKES, tables.AMOUNT_SPIKE_SHARES, strict=True):
        found = (million_loans["amount"] == amount).mean()
        assert found == pytest.approx(share, abs=0.004), amount


def test_better_scores_get_lower_rates(million_loans):
    ranks = million_loans.select(pl.corr("fico", "rate", method="spearman"))
    assert ranks.item() == pytest.approx(-0.39, abs=0.03)


def test_instalments_repay_the_loan_at_its_rate(million_loans):
    monthly = pl.col("rate") / 12
    annuity = pl.col("funded") * monthly / (1 - (1 + monthly) ** -pl.col("term"))
    error = million_loans.select((annuity - pl.col("installment")).abs().max())
    assert error.item() <= 0.005 + 1e-9


def test_issue_months_are_in_order_and_shaped_like_the_real_file(million_loans):
    issue = million_loans["issue"]
    assert issue.is_sorted()
    assert (month_start(issue[0]).year, month_start(issue[-1]).year) == (2007, 2018)
    assert ((issue // 12) == 2015).mean() == pytest.approx(421_095 / 2_260_556, abs=0.001)


def test_issue_months_of_a_part_are_those_of_the_whole():
    whole = issue_months(0, 70_000, 70_000)
    part = issue_months(CHUNK_LOANS, 2 * CHUNK_LOANS, 70_000)
    assert (whole[CHUNK_LOANS : 2 * CHUNK_LOANS] == part).all()


def test_credit_policy_exceptions_are_those_of_2007_to_2010(million_loans):
    early = million_loans.filter(pl.col("issue") < month_number(month_start(12 * 2012)))
    share = 1 - early["policy_met"].mean()
    assert share == pytest.approx(2_749 / 42_535, abs=0.01)
    assert million_loans.filter(pl.col("issue") >= 12 * 2011)["policy_met"].all()
