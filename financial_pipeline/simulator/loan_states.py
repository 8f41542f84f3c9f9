"""The state and the cash of each loan at the end of one month: its life, cut there.

Money identity: total = principal + interest + late fees + recoveries, to the cent.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from financial_pipeline.simulator.borrowers import BoolArray, Borrowers
from financial_pipeline.simulator.loan_draws import FloatArray, IntArray
from financial_pipeline.simulator.outcomes import DEFAULT_LAG, Outcomes

LATE_FEE_SHARE: Final = 0.05
LATE_FEE_MINIMUM: Final = 15.0
COLLECTION_FEE_SHARE: Final = 0.13


class State(IntEnum):
    """States of a loan at a month end; the order is that of STATUS_TEXTS."""

    ISSUED = 0
    CURRENT = 1
    GRACE = 2
    D16_30 = 3
    D31_120 = 4
    CHARGED_OFF = 5
    PAID = 6


STATUS_TEXTS: Final = (
    "Issued",
    "Current",
    "In Grace Period",
    "Late (16-30 days)",
    "Late (31-120 days)",
    "Charged Off",
    "Fully Paid",
)


@dataclass(frozen=True)
class LoanStates:
    """Arrays of one entry per loan, dollars to the cent; `last_payment` is a month on book.

    `last_payment` is 0 where nothing was paid yet. `balance` is the principal still owed to
    investors: 0 after payoff and after charge-off.
    """

    state: IntArray
    balance: FloatArray
    principal: FloatArray
    interest: FloatArray
    late_fees: FloatArray
    recoveries: FloatArray
    collection_fee: FloatArray
    last_payment: IntArray
    last_payment_amount: FloatArray


def states_at(loans: Borrowers, outcomes: Outcomes, month: int) -> LoanStates:
    """The loans at the end of calendar month `month`; none may be issued later."""
    age = month - loans.issue
    is_over = age >= outcomes.exit_month
    paid_off = is_over & ~outcomes.is_default
    behind = _months_behind(outcomes, age)
    state = _states(outcomes, age, is_over, behind)
    payments = _payments(outcomes, age, is_over, behind)
    principal, interest, last_amount = _cash(loans, payments, paid_off)
    fees, caught_up, latest_fee = _catching_up(loans, outcomes, age)
    recovered = age >= outcomes.recovery_month
    recoveries = np.where(recovered, (loans.funded - principal) * outcomes.recovery, 0.0).round(2)
    return LoanStates(
        state=state,
        balance=np.where(is_over, 0.0, loans.funded - principal).round(2),
        principal=principal,
        interest=interest,
        late_fees=fees,
        recoveries=recoveries,
        collection_fee=(COLLECTION_FEE_SHARE * recoveries).round(4),
        last_payment=payments,
        last_payment_amount=(last_amount + caught_up * loans.installment + latest_fee).round(2),
    )


def owed_after(loans: Borrowers, payments: IntArray) -> FloatArray:
    """Principal owed after this many instalments: P g - A (g - 1) / i with g = (1 + i)^n."""
    monthly = loans.rate / 12
    growth = np.exp(payments * np.log1p(monthly))
    owed = loans.funded * growth - loans.installment * (growth - 1) / monthly
    return np.asarray(np.maximum(owed, 0.0))


def _months_behind(outcomes: Outcomes, age: IntArray) -> IntArray:
    """Month ends that the loan has been behind at this age; 0 if it is not (or it is over)."""
    position = age[:, None] - outcomes.spell_start
    inside = (position >= 0) & (position < outcomes.spell_length)
    in_spell = np.where(inside, position + 1, 0).max(axis=1)
    towards_default = np.where(outcomes.is_default, age - (outcomes.exit_month - DEFAULT_LAG), 0)
    return np.asarray(np.maximum(in_spell, towards_default))


def _states(outcomes: Outcomes, age: IntArray, is_over: BoolArray, behind: IntArray) -> IntArray:
    """Behind for one month end is grace or 16 to 30 days, for longer 31 to 120 days."""
    first = np.where(outcomes.in_grace, State.GRACE, State.D16_30)
    second = np.where(outcomes.in_grace & outcomes.is_slow, State.D16_30, State.D31_120)
    state = np.select(
        [behind <= 0, behind == 1, behind == 2], [State.CURRENT, first, second], State.D31_120
    )
    state = np.where(age == 0, State.ISSUED, state)
    end = np.where(outcomes.is_default, State.CHARGED_OFF, State.PAID)
    return np.where(is_over, end, state).astype(np.int64)


def _payments(outcomes: Outcomes, age: IntArray, is_over: BoolArray, behind: IntArray) -> IntArray:
    """Month on book of the last payment, which is the number of instalments paid."""
    last_regular = outcomes.exit_month - np.where(outcomes.is_default, DEFAULT_LAG, 0)
    return np.where(is_over, last_regular, age - np.maximum(behind, 0))


def _cash(
    loans: Borrowers, payments: IntArray, paid_off: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Principal, interest and the last payment; a payoff pays the balance plus its interest."""
    regular = payments - paid_off
    owed = owed_after(loans, regular)
    last_interest = owed * loans.rate / 12
    repaid = loans.funded - owed
    principal = np.where(paid_off, loans.funded, repaid).round(2)
    interest = loans.installment * regular - repaid + np.where(paid_off, last_interest, 0.0)
    last_amount = np.where(paid_off, owed + last_interest, loans.installment * (payments > 0))
    return principal, np.maximum(interest, 0.0).round(2), last_amount.round(2)


def _catching_up(
    loans: Borrowers, outcomes: Outcomes, age: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Late fees so far, and what this month's payment adds: instalments missed, and their fee.

    A fee is due for each month end more than 15 days late; it is paid when the loan catches up.
    """
    end = outcomes.spell_start + outcomes.spell_length
    late = np.maximum(outcomes.spell_length - outcomes.in_grace[:, None], 0)
    fee: FloatArray = np.maximum(LATE_FEE_SHARE * loans.installment, LATE_FEE_MINIMUM).round(2)
    ends_now = end == age[:, None]
    fees = fee * ((end <= age[:, None]) * late).sum(axis=1)
    missed = (ends_now * outcomes.spell_length).sum(axis=1)
    return fees.round(2), missed.astype(np.float64), (ends_now * late).sum(axis=1) * fee
