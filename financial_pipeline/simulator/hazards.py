"""Monthly default and prepayment hazards of a loan (methodology 7.2).

    logit h_default = ln H_term(m) + alpha[grade, term] + x beta + nu[issue year]
                      + 0.08 (unemployment in month issue + m - 6.5),   0 while m <= 4
    h_prepay        = P_term(m) speed[issue year] k[grade],             0 for m >= term - 1

The unemployment coefficient is a choice for demonstration; the estimate on real loans is
.016 +- .037.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import scipy

from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline.simulator.borrowers import LONG_TERM, SHORT_TERM, BoolArray, Borrowers
from financial_pipeline.simulator.loan_calendar import by_year
from financial_pipeline.simulator.loan_draws import FloatArray, IntArray

UNEMPLOYMENT_COEFFICIENT: Final = 0.08
UNEMPLOYMENT_CENTRE: Final = 6.5
FIRST_DEFAULT_MONTH: Final = 5
FRAILTY_DEVIATION: Final = 0.35
TERMS: Final = (SHORT_TERM, LONG_TERM)

_Knots = tuple[tuple[int, ...], tuple[float, ...]]
# Month on book and per cent per month; linear between the knots.
DEFAULT_KNOTS: Final[tuple[_Knots, _Knots]] = (
    ((5, 6, 8, 11, 15, 21, 27, 33, 36), (0.10, 0.16, 0.30, 0.44, 0.48, 0.50, 0.55, 0.54, 0.54)),
    ((5, 6, 8, 11, 15, 21, 27, 33, 60), (0.10, 0.18, 0.45, 0.63, 0.79, 0.73, 0.78, 0.66, 0.68)),
)
PREPAY_KNOTS: Final[tuple[_Knots, _Knots]] = (
    ((1, 5, 8, 11, 15, 21, 27, 33), (0.69, 0.80, 1.13, 1.30, 1.67, 2.21, 2.93, 3.83)),
    (
        (1, 5, 8, 11, 15, 21, 27, 33, 38, 45, 51, 57),
        (0.71, 0.65, 0.80, 0.87, 0.97, 1.13, 1.38, 1.81, 2.10, 2.76, 3.46, 4.00),
    ),
)
PREPAY_GRADE: Final = np.array([1.15, 1.05, 1.0, 0.95, 0.95, 0.95, 0.95])
PREPAY_SPEED: Final = {2011: 1.0, 2015: 1.45, 2018: 1.75}  # up to and including the year
VINTAGE_SHIFT: Final = {2013: 0.0, 2014: 0.05, 2015: 0.20, 2016: 0.36, 2017: 0.36, 2018: 0.40}
SUB_GRADE_STEP: Final = 0.13 * np.array([1.6, 0.9, 0.6, 0.5, 0.4, 0.4, 0.3])
# Coefficients on the normal scores, in their order; the amount acts through the instalment.
SCORE_COEFFICIENTS: Final = np.array([-0.20, -0.20, 0.06, 0.12, 0.12, 0.0])
PAYMENT_TO_INCOME_COEFFICIENT: Final = 0.09
PAYMENT_TO_INCOME_MEAN: Final = 0.083
PAYMENT_TO_INCOME_DEVIATION: Final = 0.045
# Effects of the real fit on 2007 to 2011 (methodology 7.2).
PURPOSE_EFFECTS: Final = {
    "small_business": 0.72,
    "credit_card": -0.28,
    "car": -0.26,
    "wedding": -0.26,
    "major_purchase": -0.26,
}
EMPLOYMENT_NOT_GIVEN_EFFECT: Final = 0.45
PUBLIC_RECORD_EFFECT: Final = 0.37
POLICY_EXCEPTION_EFFECT: Final = 0.70


@dataclass(frozen=True)
class HazardModel:
    """Inputs of hazards apart from the loan: intercepts [2 terms, 7 grades] and unemployment."""

    intercepts: FloatArray
    unemployment: FloatArray
    first_month: int


@dataclass(frozen=True)
class LoanHazards:
    """Hazards of a chunk of loans, month on book by month on book."""

    shift: FloatArray
    unemployment_start: IntArray
    prepay_scale: FloatArray
    is_long: BoolArray
    model: HazardModel

    def at(self, month: int) -> tuple[FloatArray, FloatArray]:
        """Default and prepayment hazard of each loan in one month on book; 0 after its term."""
        log_default, prepay = _baselines()
        row = self.is_long.astype(np.int64)
        unemployment = self.model.unemployment[self.unemployment_start + month]
        gap = UNEMPLOYMENT_COEFFICIENT * (unemployment - UNEMPLOYMENT_CENTRE)
        default = scipy.special.expit(log_default[row, month] + self.shift + gap)
        return default, prepay[row, month] * self.prepay_scale


@cache
def _baselines() -> tuple[FloatArray, FloatArray]:
    """ln H and P as arrays [2 terms, month on book 0..60]."""
    months = np.arange(LONG_TERM + 1)
    log_default = np.full((2, months.size), -np.inf)
    prepay = np.zeros((2, months.size))
    for row, term in enumerate(TERMS):
        open_months = (months >= FIRST_DEFAULT_MONTH) & (months <= term)
        knots, values = DEFAULT_KNOTS[row]
        log_default[row, open_months] = np.log(np.interp(months, knots, values) / 100)[open_months]
        early = (months >= 1) & (months < term - 1)
        knots, values = PREPAY_KNOTS[row]
        prepay[row, early] = (np.interp(months, knots, values) / 100)[early]
    return log_default, prepay


def risk(loans: Borrowers, frailty: FloatArray) -> FloatArray:
    """x beta + nu: the part of the logit that is fixed when the loan is granted."""
    total = loans.scores @ SCORE_COEFFICIENTS + FRAILTY_DEVIATION * frailty
    payment_to_income = 12 * loans.installment / loans.income
    standard = (payment_to_income - PAYMENT_TO_INCOME_MEAN) / PAYMENT_TO_INCOME_DEVIATION
    total += PAYMENT_TO_INCOME_COEFFICIENT * np.clip(standard, -3, 3)
    total += SUB_GRADE_STEP[loans.grade] * (loans.digit - 3)
    effects = np.array([PURPOSE_EFFECTS.get(code, 0.0) for code in tables.PURPOSE_CODES])
    total += effects[loans.purpose]
    total += EMPLOYMENT_NOT_GIVEN_EFFECT * (loans.employment == tables.EMPLOYMENT_NOT_GIVEN)
    total += PUBLIC_RECORD_EFFECT * (loans.public_records > 0)
    total += POLICY_EXCEPTION_EFFECT * ~loans.policy_met
    return np.asarray(total + by_year(VINTAGE_SHIFT, loans.issue))


def loan_hazards(model: HazardModel, loans: Borrowers, fixed: FloatArray) -> LoanHazards:
    """Apply the model to a chunk of loans with the given fixed part of the logit."""
    is_long = loans.term == LONG_TERM
    return LoanHazards(
        shift=fixed + model.intercepts[is_long.astype(np.int64), loans.grade],
        unemployment_start=loans.issue - model.first_month,
        prepay_scale=by_year(PREPAY_SPEED, loans.issue) * PREPAY_GRADE[loans.grade],
        is_long=is_long,
        model=model,
    )


def lifetime_default_rates(hazards: LoanHazards) -> FloatArray:
    """Probability of each loan to default before it is repaid or prepaid."""
    alive, defaulted = np.ones(hazards.shift.size), np.zeros(hazards.shift.size)
    for month in range(1, LONG_TERM + 1):
        default, prepay = hazards.at(month)
        defaulted += alive * default
        alive *= (1 - default) * (1 - prepay)
    return defaulted
