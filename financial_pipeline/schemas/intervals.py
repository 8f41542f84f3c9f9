"""Confidence of every published interval: 95%, two-sided."""

from typing import Final

CONFIDENCE: Final = 0.95
# Quantile of the normal distribution at 97.5%, as `scipy.stats.norm.ppf` gives it.
Z_95: Final = 1.959963984540054
