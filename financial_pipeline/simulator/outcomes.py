"""The life of each loan: exit, recoveries and spells of delinquency.

An outcome is drawn once for the whole life; a snapshot only cuts it (`loan_states.py`), so the
number of snapshots changes no loan.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import scipy

from financial_pipeline.simulator.borrowers import (
    FIRST_LONG_TERM,
    LONG_TERM,
    BoolArray,
    Borrowers,
    draw_features,
    rate_card,
)
from financial_pipeline.simulator.hazards import (
    TERMS,
    HazardModel,
    LoanHazards,
    lifetime_default_rates,
    loan_hazards,
    risk,
)
from financial_pipeline.simulator.loan_calendar import issue_months, month_number
from financial_pipeline.simulator.loan_draws import FloatArray, IntArray, Part, generator
from financial_pipeline.simulator.macro import unemployment_path

# The last snapshot of the world: March 2019.
MATURED_BY: Final = 12 * 2019 + 2
# Targets of 7.2, terms 36 and 60, grades A to G, lowered by a common factor: they are met on the
# matured loans, whose terms together then meet the observed rates of their grade (5.5, 11, 17,
# 22, 28, 34 and 38 per cent).
TARGET_FACTOR: Final = np.array([0.99, 0.92, 0.92, 0.912, 0.914, 0.90, 0.92])
LIFETIME_TARGETS: Final = TARGET_FACTOR * np.array(
    [
        [0.055, 0.115, 0.175, 0.225, 0.265, 0.32, 0.37],
        [0.09, 0.175, 0.255, 0.32, 0.375, 0.42, 0.45],
    ]
)
START: Final = np.array(
    [
        [-0.721, 0.071, 0.529, 0.789, 0.962, 1.357, 1.577],
        [-0.971, -0.200, 0.201, 0.493, 0.737, 0.940, 1.014],
    ]
)
ROUNDS: Final = 8
LOANS_PER_CELL: Final = 2_000
BOOK_SAMPLE: Final = 200_000


@cache
def calibrated_model(seed: int) -> HazardModel:
    """The hazard model of one world: its unemployment path and the intercepts that fit it."""
    path = unemployment_path(seed).sort("month")
    unemployment = path["unrate"].to_numpy()
    first_month = month_number(path["month"][0])
    issue, grade, term = _calibration_cells()
    rng = generator(seed, Part.CALIBRATION)
    loans = draw_features(rng, rate_card(seed), issue, grade, term)
    fixed = risk(loans, rng.standard_normal(issue.size))
    intercepts = START.copy()
    for _ in range(ROUNDS):
        model = HazardModel(intercepts, unemployment, first_month)
        rates = lifetime_default_rates(loan_hazards(model, loans, fixed))
        achieved = rates.reshape(*LIFETIME_TARGETS.shape, LOANS_PER_CELL).mean(axis=2)
        intercepts = (
            intercepts + scipy.special.logit(LIFETIME_TARGETS) - scipy.special.logit(achieved)
        )
    return HazardModel(intercepts, unemployment, first_month)


def _calibration_cells() -> tuple[IntArray, IntArray, IntArray]:
    """Issue month, grade and term of equally many matured loans per term and grade."""
    book = issue_months(0, BOOK_SAMPLE, BOOK_SAMPLE)
    grades = LIFETIME_TARGETS.shape[1]
    issues = []
    for months in TERMS:
        matured = book[book + months <= MATURED_BY]
        if months == LONG_TERM:
            matured = matured[matured >= FIRST_LONG_TERM]
        spread = np.linspace(0, matured.size - 1, LOANS_PER_CELL).astype(np.int64)
        issues += [matured[spread]] * grades
    grade = np.tile(np.repeat(np.arange(grades), LOANS_PER_CELL), len(TERMS))
    term = np.repeat(np.array(TERMS), grades * LOANS_PER_CELL)
    return np.concatenate(issues), grade, term


# Months from the last payment to the charge-off (methodology 1.4).
DEFAULT_LAG: Final = 5
NO_RECOVERY_SHARE: Final = 0.20
RECOVERY_BETA: Final = (1.3, 8.0)
RECOVERY_MONTHS: Final = (6, 18)
# A paying loan falls behind with this monthly probability and catches up with the other, after
# two month ends at the latest. Entry, grace and slow share are tuned so that the open loans of
# March 2019 show the delinquent shares of the status counts (.92, .48 and 2.35 per cent); the
# .6 per cent a month of 7.2 would give too many, as most of those behind are on the way to default.
SPELL_ENTRY: Final = 0.0035
SPELL_CURE: Final = 0.6
MAX_SPELL: Final = 2
SPELLS: Final = 3
# Share of spells that are still in grace (1 to 15 days late) at their first month end, and of
# those the share that is then seen at 16 to 30 days before 31 to 120.
GRACE_SHARE: Final = 0.80
SLOW_SHARE: Final = 0.33
NEVER: Final = 999


@dataclass(frozen=True)
class Outcomes:
    """Arrays of one entry per loan; months are months on book.

    `exit_month` is the charge-off for defaults, else the payoff. `recovery` is a share of the
    balance at default, paid in `recovery_month`. Spells: shape [loans, SPELLS], the first month end
    behind and the number of month ends behind; NEVER if there is none. `in_grace` and `is_slow`
    state how delinquent spells and the path to default begin.
    """

    exit_month: IntArray
    is_default: BoolArray
    recovery: FloatArray
    recovery_month: IntArray
    spell_start: IntArray
    spell_length: IntArray
    in_grace: BoolArray
    is_slow: BoolArray


def draw_outcomes(seed: int, chunk: int, loans: Borrowers) -> Outcomes:
    """Draw the outcomes of one chunk of loans."""
    rng = generator(seed, Part.OUTCOME, chunk)
    size = loans.issue.size
    fixed = risk(loans, rng.standard_normal(size))
    hazards = loan_hazards(calibrated_model(seed), loans, fixed)
    exit_month, is_default = _exits(hazards, loans.term, rng.random(size), rng.random(size))
    recovery = np.where(rng.random(size) < NO_RECOVERY_SHARE, 0, rng.beta(*RECOVERY_BETA, size))
    low, high = RECOVERY_MONTHS
    spell_start, spell_length = _spells(rng, exit_month, is_default)
    return Outcomes(
        exit_month=exit_month,
        is_default=is_default,
        recovery=np.where(is_default, recovery, 0.0),
        recovery_month=exit_month + rng.integers(low, high + 1, size),
        spell_start=spell_start,
        spell_length=spell_length,
        in_grace=rng.random(size) < GRACE_SHARE,
        is_slow=rng.random(size) < SLOW_SHARE,
    )


def _exits(
    hazards: LoanHazards, term: IntArray, survival: FloatArray, cause: FloatArray
) -> tuple[IntArray, BoolArray]:
    """Exit month and whether it is a default, from two uniform draws per loan.

    A loan leaves in the month in which its probability to be still alive falls below its first
    draw; the second separates default (tried first) from prepayment. Survivors are repaid at term.
    """
    exit_month, is_default = term.copy(), np.zeros(term.size, dtype=np.bool_)
    alive = np.ones(term.size)
    for month in range(1, LONG_TERM + 1):
        default, prepay = hazards.at(month)
        leave = default + (1 - default) * prepay
        after = alive * (1 - leave)
        leaves = (alive > survival) & (after <= survival)
        exit_month[leaves] = month
        is_default[leaves] = (cause * leave < default)[leaves]
        alive = after
    return exit_month, is_default


def _spells(
    rng: np.random.Generator, exit_month: IntArray, is_default: BoolArray
) -> tuple[IntArray, IntArray]:
    """Spells of delinquency that end in a catch-up before the loan's last regular payment."""
    shape = (exit_month.size, SPELLS)
    waits = rng.geometric(SPELL_ENTRY, shape)
    lengths = np.minimum(rng.geometric(SPELL_CURE, shape), MAX_SPELL)
    start = np.cumsum(waits + lengths, axis=1) - lengths
    last_regular = np.where(is_default, exit_month - DEFAULT_LAG, exit_month - 1)
    fits = start + lengths <= last_regular[:, None]
    return np.where(fits, start, NEVER), np.where(fits, lengths, 0)
