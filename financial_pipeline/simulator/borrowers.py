"""The borrower and loan draw: the values known when a loan is granted (methodology 7.1)."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline.simulator.loan_amounts import (
    annuity,
    draw_amounts,
    draw_funded,
    draw_invested,
)
from financial_pipeline.simulator.loan_calendar import FIRST_ISSUE_MONTH, LAST_ISSUE_MONTH, by_year
from financial_pipeline.simulator.loan_draws import (
    FloatArray,
    IntArray,
    Part,
    choose,
    generator,
)

BoolArray = npt.NDArray[np.bool_]

FIRST_LONG_TERM: Final = 12 * 2010 + 4  # May 2010
FIRST_JOINT: Final = 12 * 2015 + 9  # October 2015
SHORT_TERM: Final = 36
LONG_TERM: Final = 60
MINIMUM_INCOME: Final = 4_000.0
MOST_INQUIRIES: Final = 8
# Rate cards move by up to this fraction around the grade's mean, quarter by quarter.
RATE_CARD_SWING: Final = 0.002
_GAMMA_GRID: Final = np.linspace(-5.0, 5.0, 1001)


@dataclass(frozen=True)
class Borrowers:
    """Arrays of equal length, one entry per loan, in issue order.

    `issue` is a month number, `grade` 0..6, `digit` 1..5, `rate` a fraction per year, `dti` and
    `utilisation` per cent; `purpose`, `home`, `employment`, `verification` are positions in the
    tables. `scores` are the standard normal scores, shape [loans, 6], that the features came from.
    """

    issue: IntArray
    grade: IntArray
    digit: IntArray
    term: IntArray
    fico: IntArray
    income: FloatArray
    dti: FloatArray
    utilisation: FloatArray
    inquiries: IntArray
    amount: FloatArray
    funded: FloatArray
    invested: FloatArray
    rate: FloatArray
    installment: FloatArray
    purpose: IntArray
    home: IntArray
    employment: IntArray
    verification: IntArray
    public_records: IntArray
    is_joint: BoolArray
    policy_met: BoolArray
    scores: FloatArray


def draw_borrowers(seed: int, chunk: int, issue: IntArray) -> Borrowers:
    """Draw one chunk of loans issued in the given months."""
    rng = generator(seed, Part.BORROWER, chunk)
    grade = choose(rng, tables.GRADE_SHARES, issue.size)
    is_long = rng.random(issue.size) < tables.LONG_TERM_SHARES[grade]
    term = np.where(is_long & (issue >= FIRST_LONG_TERM), LONG_TERM, SHORT_TERM)
    return draw_features(rng, rate_card(seed), issue, grade, term.astype(np.int64))


def draw_features(
    rng: np.random.Generator, card: FloatArray, issue: IntArray, grade: IntArray, term: IntArray
) -> Borrowers:
    """Draw everything else, given issue month, grade and term."""
    size = issue.size
    factor = np.linalg.cholesky(tables.SCORE_CORRELATIONS)
    scores = rng.standard_normal((size, len(factor))) @ factor.T
    digit = rng.integers(1, 6, size)
    policy_met = rng.random(size) >= by_year(tables.POLICY_EXCEPTION_SHARES, issue)
    amount = draw_amounts(rng, grade, scores[:, 5])
    funded = draw_funded(rng, issue, amount)
    rate = card[issue // 3 - FIRST_ISSUE_MONTH // 3, 5 * grade + digit - 1]
    return Borrowers(
        issue=issue,
        grade=grade,
        digit=digit,
        term=term,
        fico=_fico(rng, grade, scores[:, 0], policy_met),
        income=_incomes(rng, grade, scores[:, 1]),
        dti=_dti(grade, scores[:, 2]),
        utilisation=_utilisation(grade, scores[:, 3]),
        inquiries=_inquiries(grade, scores[:, 4]),
        amount=amount,
        funded=funded,
        invested=draw_invested(rng, issue, funded),
        rate=rate,
        installment=annuity(funded, rate, term),
        purpose=_purposes(rng, issue),
        home=choose(rng, list(tables.HOMES.values()), size),
        employment=_employment(rng, issue),
        verification=choose(rng, list(tables.VERIFICATIONS.values()), size),
        public_records=choose(rng, tables.PUBLIC_RECORD_SHARES, size),
        is_joint=(issue >= FIRST_JOINT) & (rng.random(size) < by_year(tables.JOINT_SHARES, issue)),
        policy_met=policy_met,
        scores=scores,
    )


def rate_card(seed: int) -> FloatArray:
    """Yearly rates as fractions, shape [issue quarters, 35 sub-grades]."""
    quarters = LAST_ISSUE_MONTH // 3 - FIRST_ISSUE_MONTH // 3 + 1
    rng = generator(seed, Part.RATE_CARD)
    steps = np.arange(5) - 2
    levels = (tables.RATE_MEAN[:, None] + tables.RATE_STEP[:, None] * steps).reshape(-1)
    moved = levels + rng.uniform(-RATE_CARD_SWING, RATE_CARD_SWING, (quarters, levels.size))
    return np.asarray(np.clip(moved, *tables.RATE_RANGE).round(4), dtype=np.float64)


@cache
def _fico_excess(grade: int) -> FloatArray:
    """FICO above its origin on the grid of normal scores: gamma with the grade's moments."""
    mean = float(tables.FICO_MEAN[grade]) - tables.FICO_ORIGIN
    deviation = float(tables.FICO_DEVIATION[grade])
    shape = (mean / deviation) ** 2
    return np.asarray(
        scipy.special.gammaincinv(shape, scipy.special.ndtr(_GAMMA_GRID)) * mean / shape
    )


def _fico(
    rng: np.random.Generator, grade: IntArray, score: FloatArray, policy_met: BoolArray
) -> IntArray:
    fico = np.empty(grade.size)
    for level in range(len(tables.GRADES)):
        rows = grade == level
        fico[rows] = np.interp(score[rows], _GAMMA_GRID, _fico_excess(level))
    on_grid = 5 * np.round((fico + tables.FICO_ORIGIN) / 5)
    low, high = tables.FICO_EXCEPTION_RANGE
    exceptions = 5 * rng.integers(low // 5, high // 5 + 1, grade.size)
    clipped = np.where(policy_met, np.clip(on_grid, *tables.FICO_RANGE), exceptions)
    return clipped.astype(np.int64)


def _incomes(rng: np.random.Generator, grade: IntArray, score: FloatArray) -> FloatArray:
    income = np.exp(tables.LOG_INCOME_MEAN[grade] + tables.LOG_INCOME_DEVIATION * score)
    # Most people state a round income.
    step = np.array([1_000.0, 100.0, 1.0])[choose(rng, (0.7, 0.2, 0.1), grade.size)]
    return np.asarray(np.maximum(np.round(income / step) * step, MINIMUM_INCOME))


def _dti(grade: IntArray, score: FloatArray) -> FloatArray:
    dti = tables.DTI_MEAN[grade] + tables.DTI_DEVIATION * score
    return np.asarray(np.clip(dti, 0, tables.DTI_MAX).round(2), dtype=np.float64)


def _utilisation(grade: IntArray, score: FloatArray) -> FloatArray:
    utilisation = tables.UTILISATION_MEAN[grade] + tables.UTILISATION_DEVIATION * score
    return np.asarray(np.clip(utilisation, 0, tables.UTILISATION_MAX).round(1), dtype=np.float64)


def _inquiries(grade: IntArray, score: FloatArray) -> IntArray:
    """Poisson counts: how many of the cumulative probabilities the score has passed."""
    counts = np.arange(MOST_INQUIRIES)
    shares = scipy.stats.poisson.cdf(counts[:, None], tables.INQUIRY_RATE)
    return np.asarray((scipy.special.ndtr(score) > shares[:, grade]).sum(axis=0))


def _employment(rng: np.random.Generator, issue: IntArray) -> IntArray:
    employment = choose(rng, list(tables.EMPLOYMENT.values()), issue.size)
    # The first vintages nearly always gave it.
    kept = by_year(tables.NOT_GIVEN_SHARES, issue) / tables.EMPLOYMENT["n/a"]
    is_kept = rng.random(issue.size) < kept
    short = list(tables.EMPLOYMENT).index("< 1 year")
    return np.where((employment == tables.EMPLOYMENT_NOT_GIVEN) & ~is_kept, short, employment)


def _purposes(rng: np.random.Generator, issue: IntArray) -> IntArray:
    purpose = choose(rng, [share for _, _, share in tables.PURPOSES], issue.size)
    # Study loans were discontinued in 2010; they take the place of holidays before.
    early_holiday = (issue < 12 * 2010) & (purpose == tables.PURPOSE_CODES.index("vacation"))
    return np.where(early_holiday, tables.PURPOSE_CODES.index("educational"), purpose)
