"""Cash identities of simulated loans, for any outcome and any snapshot month."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from financial_pipeline.simulator.borrowers import Borrowers, draw_borrowers
from financial_pipeline.simulator.loan_columns import draw_chunk, snapshot_rows
from financial_pipeline.simulator.loan_states import LoanStates, State, owed_after, states_at
from financial_pipeline.simulator.outcomes import (
    DEFAULT_LAG,
    NEVER,
    SPELLS,
    Outcomes,
    draw_outcomes,
)

LOANS = 400
LIFE = 61
JANUARY_2014 = 12 * 2014


@pytest.fixture(scope="module")
def borrowers() -> Borrowers:
    return draw_borrowers(1, 0, np.full(LOANS, JANUARY_2014))


@st.composite
def outcomes(draw: st.DrawFn, terms: np.ndarray) -> Outcomes:
    """Outcomes that the draw could give: exits within the term, one spell before them or none."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    is_default = rng.random(terms.size) < draw(st.floats(0, 1))
    exit_month = np.where(is_default, rng.integers(5, terms + 1), rng.integers(1, terms + 1))
    length = rng.integers(1, 4, terms.size)
    last = exit_month - np.where(is_default, DEFAULT_LAG, 1)
    start = rng.integers(1, LIFE, terms.size)
    fits = start + length <= last
    spell_start = np.full((terms.size, SPELLS), NEVER)
    spell_length = np.zeros((terms.size, SPELLS), dtype=np.int64)
    spell_start[:, 0], spell_length[:, 0] = np.where(fits, start, NEVER), np.where(fits, length, 0)
    return Outcomes(
        exit_month=exit_month,
        is_default=is_default,
        recovery=rng.random(terms.size) * is_default,
        recovery_month=exit_month + rng.integers(6, 19, terms.size),
        spell_start=spell_start,
        spell_length=spell_length,
        in_grace=rng.random(terms.size) < 0.5,
        is_slow=rng.random(terms.size) < 0.5,
    )


def paid_by_borrower(states: LoanStates) -> np.ndarray:
    return states.principal + states.interest + states.late_fees


@given(data=st.data())
def test_each_month_adds_the_last_payment_of_that_month(borrowers, data):
    lives = data.draw(outcomes(borrowers.term))
    month = JANUARY_2014 + data.draw(st.integers(1, LIFE))
    before = states_at(borrowers, lives, month - 1)
    after = states_at(borrowers, lives, month)
    pays_now = after.last_payment == month - JANUARY_2014
    expected = np.where(pays_now, after.last_payment_amount, 0.0)
    added = paid_by_borrower(after) - paid_by_borrower(before)
    np.testing.assert_allclose(added, expected, atol=0.021)


@given(data=st.data())
def test_balance_and_principal_make_up_the_loan(borrowers, data):
    lives = data.draw(outcomes(borrowers.term))
    states = states_at(borrowers, lives, JANUARY_2014 + data.draw(st.integers(0, 90)))
    is_open = states.state < State.CHARGED_OFF
    is_paid = states.state == State.PAID
    owed = borrowers.funded - states.principal
    np.testing.assert_allclose(states.balance[is_open], owed[is_open], atol=0.005)
    assert (states.balance[~is_open] == 0).all()
    assert (owed[is_paid] == 0).all()
    assert (owed >= 0).all()


@given(data=st.data())
def test_recoveries_come_after_charge_off_and_stay_below_the_balance(borrowers, data):
    lives = data.draw(outcomes(borrowers.term))
    states = states_at(borrowers, lives, JANUARY_2014 + data.draw(st.integers(0, 90)))
    assert (states.recoveries[states.state != State.CHARGED_OFF] == 0).all()
    assert (states.recoveries <= borrowers.funded - states.principal + 0.005).all()
    np.testing.assert_allclose(states.collection_fee, 0.13 * states.recoveries, atol=1e-4)


@given(data=st.data())
def test_charge_off_comes_five_months_after_the_last_payment(borrowers, data):
    lives = data.draw(outcomes(borrowers.term))
    states = states_at(borrowers, lives, JANUARY_2014 + data.draw(st.integers(0, 90)))
    gone = states.state == State.CHARGED_OFF
    assert (lives.exit_month[gone] - states.last_payment[gone] == DEFAULT_LAG).all()


ROAD = [
    (5, {State.CURRENT}),
    (4, {State.GRACE, State.D16_30}),
    (3, {State.D16_30, State.D31_120}),
    (2, {State.D31_120}),
    (1, {State.D31_120}),
    (0, {State.CHARGED_OFF}),
]


@pytest.mark.parametrize(("months_before", "expected"), ROAD)
def test_road_to_default_is_late_for_four_month_ends(months_before, expected):
    loans = draw_borrowers(1, 0, np.full(5_000, JANUARY_2014))
    lives = draw_outcomes(1, 0, loans)
    found = set()
    for exit_month in range(6, LIFE):
        month = JANUARY_2014 + exit_month - months_before
        leaves = lives.is_default & (lives.exit_month == exit_month)
        found |= set(states_at(loans, lives, month).state[leaves].tolist())
    assert found == expected


def test_annuity_balance_is_that_of_the_golden_loan(borrowers):
    golden = dataclasses.replace(
        borrowers,
        funded=np.array([10_000.0]),
        rate=np.array([0.12]),
        installment=np.array([332.14309812851167]),
    )
    assert owed_after(golden, np.array([12]))[0] == pytest.approx(7055.84445849227, abs=1e-9)


def test_written_totals_are_the_sum_of_their_parts():
    rows = snapshot_rows(draw_chunk(1, 30_000, 0), 12 * 2018 + 5)
    parts = ["total_rec_prncp", "total_rec_int", "total_rec_late_fee", "recoveries"]
    gap = (rows["total_pymnt"] - rows.select(parts).sum_horizontal()).abs().max()
    assert gap < 0.005
