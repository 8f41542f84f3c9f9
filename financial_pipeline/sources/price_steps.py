"""Prices at which shares trade, as opposed to those with dividends taken out: their decimals."""

import re
from collections.abc import Iterable
from typing import Final

# Steps of a dollar in which shares trade, cents and sixteenths, after all usual splits.
STEPS_OF_DOLLAR: Final = (4_800, 2_000, 1_536, 432, 400, 96)
# Dollars, and share of the price: six decimals, and the noise of single precision.
STEP_TOLERANCE: Final = (2e-6, 1.2e-7)
# Share of a step: high prices have too few digits for the small steps.
LARGEST_TOLERANCE: Final = 0.05
# Minimum number of prices for a decision. Nearly all traded prices are on a step, and a third of
# others.
LEAST_PRICES: Final = 12
MOST_ON_STEPS: Final = 0.6
PRICE: Final = re.compile(r"\d+(\.\d+)?")


def are_adjusted(texts: Iterable[str]) -> bool:
    """Whether prices are on no step at which shares trade, so that dividends are taken out."""
    prices = [float(text) for text in texts if PRICE.fullmatch(text) and float(text)]
    on_steps = sum(map(_is_on_step, prices))
    return len(prices) >= LEAST_PRICES and on_steps < MOST_ON_STEPS * len(prices)


def _is_on_step(price: float) -> bool:
    least, share = STEP_TOLERANCE
    tolerance = max(least, share * price)
    telling = (steps for steps in STEPS_OF_DOLLAR if steps * tolerance <= LARGEST_TOLERANCE)
    return any(abs(price - round(price * steps) / steps) <= tolerance for steps in telling)
