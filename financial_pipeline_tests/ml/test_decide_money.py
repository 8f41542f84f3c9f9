"""Gain and loss per funded dollar, on a few loans whose figures are plain to see."""

import numpy as np
import polars as pl
import pytest

from financial_pipeline.ml import decide

Pair = tuple[float, float]


def cash_of(funded: float, interest: float, fees: float, paid: float, cost: float) -> Pair:
    """Return the gain and the loss of one loan."""
    loans = pl.DataFrame(
        {
            "funded_amount_usd": [funded],
            "interest_received_usd": [interest],
            "late_fees_received_usd": [fees],
            "total_payment_usd": [paid],
            "collection_recovery_fee_usd": [cost],
            "default_d1": [1],
        }
    )
    cash = decide.loan_cash(loans)
    return cash.gain.item(), cash.loss.item()


@pytest.mark.parametrize(
    ("money", "gain", "loss"),
    [
        ((1_000, 150, 30, 620, 20), 0.18, 0.4),
        ((0.5, 0.1, 0.05, 0.25, 0.05), 0.3, 0.6),
        ((0, 5, 5, 5, 0), 0.0, 0.0),
    ],
)
def test_gain_and_loss_are_per_funded_dollar(
    money: tuple[float, float, float, float, float], gain: float, loss: float
) -> None:
    assert cash_of(*money) == (pytest.approx(gain), pytest.approx(loss))


def book(funded: list[float]) -> decide.LoanCash:
    """Return two good loans and two bad ones."""
    return decide.LoanCash(
        np.array(funded),
        np.array([0.1, 0.2, 9.0, 9.0]),
        np.array([9.0, 9.0, 0.3, 0.5]),
        np.array([False, False, True, True]),
    )


def test_prices_are_weighted_by_the_dollars_of_their_own_class() -> None:
    found = decide.prices(book([1_000, 3_000, 3_000, 1_000]))
    assert found is not None
    assert (found.gain, found.loss) == (pytest.approx(0.175), pytest.approx(0.35))


@pytest.mark.parametrize(
    ("funded", "has_prices"),
    [([0.5, 0.5, 0.5, 0.5], True), ([0, 0, 1, 1], False), ([1, 1, 0, 0], False)],
)
def test_a_class_without_a_dollar_has_no_price(funded: list[float], has_prices: bool) -> None:
    assert (decide.prices(book(funded)) is not None) == has_prices


def test_rates_of_a_single_loan_are_rates() -> None:
    pds = np.array([0.1, 0.5])
    one = decide.LoanCash(
        np.array([1.0, 1.0]), np.array([0.1, 0.1]), np.array([0.4, 0.4]), np.array([True, False])
    )
    row = decide.threshold_row(decide.threshold_table(pds, one, decide.Prices(0.2, 0.4)), 0.2)
    assert (row["bad_rate_approved"], row["bads_caught"], row["goods_declined"]) == (1.0, 0.0, 1.0)
    assert row["precision"] == 0.0


def test_rows_of_loans_are_taken_together() -> None:
    cash = decide.LoanCash(
        np.array([1.0, 2.0, 3.0]),
        np.array([0.1, 0.2, 0.3]),
        np.array([0.4, 0.5, 0.6]),
        np.array([True, False, True]),
    )
    taken = cash.take(np.array([2, 0]))
    assert (taken.funded.tolist(), taken.gain.tolist()) == ([3.0, 1.0], [0.3, 0.1])
    assert (taken.loss.tolist(), taken.is_bad.tolist()) == ([0.6, 0.4], [True, True])
