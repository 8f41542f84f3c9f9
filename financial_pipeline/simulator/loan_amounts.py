"""Requested, funded and invested amounts, and the instalment that repays them."""

from functools import cache
from typing import Final

import numpy as np
import scipy

from financial_pipeline.simulator import borrower_tables as tables
from financial_pipeline.simulator.loan_draws import FloatArray, IntArray

# Most people ask for a multiple of 500 dollars, the others for one of 25.
ROUND_SHARE: Final = 0.75
ROUND_STEP: Final = 500.0
FINE_STEP: Final = 25.0
# Until 2011 some loans were funded in part, and until 2010 the company held a part of many.
PARTLY_FUNDED_SHARE: Final = 0.08
PARTLY_INVESTED_SHARE: Final = 0.4


def draw_amounts(rng: np.random.Generator, grade: IntArray, score: FloatArray) -> FloatArray:
    """Amounts in dollars from the standard normal scores."""
    bend = tables.LOG_AMOUNT_BEND * (score**2 - 1)
    log_amount = tables.LOG_AMOUNT_MEAN[grade] + tables.LOG_AMOUNT_DEVIATION * score - bend
    raw = np.clip(np.exp(log_amount), *tables.AMOUNT_RANGE)
    step = np.where(rng.random(grade.size) < ROUND_SHARE, ROUND_STEP, FINE_STEP)
    amount = np.round(raw / step) * step
    edges, probabilities = _spike_bins()
    bins = np.searchsorted(edges, raw, side="right")
    is_spike = rng.random(grade.size) < probabilities[bins]
    return np.where(is_spike, tables.AMOUNT_SPIKES[np.clip(bins - 1, 0, 5)], amount)


@cache
def _spike_bins() -> tuple[FloatArray, FloatArray]:
    """Edges around the round amounts, and the chance to be moved to one, per bin.

    The chance is the share wanted over the share of loans in the bin, so that a spike takes loans
    from its own neighbourhood and the distribution as a whole stays.
    """
    spikes = tables.AMOUNT_SPIKES
    edges = np.concatenate([[spikes[0] * 0.75], np.sqrt(spikes[:-1] * spikes[1:]), [39_000.0]])
    masses = np.diff(_amount_share_below(edges))
    # Some amounts land on a round number by themselves.
    by_itself = ROUND_SHARE * (
        _amount_share_below(spikes + ROUND_STEP / 2) - _amount_share_below(spikes - ROUND_STEP / 2)
    )
    chances = (tables.AMOUNT_SPIKE_SHARES - by_itself) / (masses - by_itself)
    return edges, np.concatenate([[0.0], np.clip(chances, 0, 1), [0.0]])


def _amount_share_below(amounts: FloatArray) -> FloatArray:
    """Share of raw amounts below each of the given ones, over all grades."""
    shares = np.asarray(tables.GRADE_SHARES)[:, None] / sum(tables.GRADE_SHARES)
    slope, bend = tables.LOG_AMOUNT_DEVIATION, tables.LOG_AMOUNT_BEND
    distance = np.log(amounts) - tables.LOG_AMOUNT_MEAN[:, None] - bend
    scores = (slope - np.sqrt(slope**2 - 4 * bend * distance)) / (2 * bend)
    return np.asarray((shares * scipy.special.ndtr(scores)).sum(axis=0))


def draw_funded(rng: np.random.Generator, issue: IntArray, amount: FloatArray) -> FloatArray:
    """Until 2011 some loans were funded in part."""
    partly = (issue < 12 * 2012) & (rng.random(issue.size) < PARTLY_FUNDED_SHARE)
    part = np.round(amount * rng.uniform(0.5, 0.98, issue.size) / FINE_STEP) * FINE_STEP
    return np.where(partly, np.maximum(part, 500.0), amount)


def draw_invested(rng: np.random.Generator, issue: IntArray, funded: FloatArray) -> FloatArray:
    """Until 2010 the company itself often held a part of a loan."""
    partly = (issue < 12 * 2011) & (rng.random(issue.size) < PARTLY_INVESTED_SHARE)
    return np.where(partly, np.round(funded * rng.uniform(0.6, 1.0, issue.size), 2), funded)


def annuity(principal: FloatArray, rate: FloatArray, term: IntArray) -> FloatArray:
    """The level monthly payment in dollars and cents: P i / (1 - (1 + i)^-n)."""
    monthly = rate / 12
    return np.round(principal * monthly / -np.expm1(-term * np.log1p(monthly)), 2)
