"""Calibration of the default hazards to lifetime default rates (methodology 7.2).

The intercepts depend on the unemployment path, hence on the seed, so they are found anew for
each world: eight rounds of a fixed point on expected rates, without any draw of outcomes.
"""

from functools import cache
from typing import Final

import numpy as np
import scipy

from financial_pipeline.simulator.borrowers import (
    FIRST_LONG_TERM,
    LONG_TERM,
    draw_features,
    rate_card,
)
from financial_pipeline.simulator.hazards import (
    TERMS,
    HazardModel,
    lifetime_default_rates,
    loan_hazards,
    risk,
)
from financial_pipeline.simulator.loan_calendar import issue_months, month_number
from financial_pipeline.simulator.loan_draws import IntArray, Part, generator
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
