"""Seeded random streams and the small draws that the loan modules share.

Each chunk of loans has its own generator per part of the draw, keyed by seed, part and chunk, so a
chunk can be drawn alone and a new column in one part changes no other part.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Keeps the loan streams apart from those of prices and macro series under the same seed.
LOAN_STREAM: Final = 7_001


class Part(IntEnum):
    """The independent parts of the draw."""

    BORROWER = 0
    OUTCOME = 1
    BUREAU = 2
    TEXT = 3
    DISTRESS = 4
    CALIBRATION = 5
    RATE_CARD = 6
    REJECTION = 7
    QUIRK = 8
    JOINT = 9
    FILE = 10


def generator(seed: int, part: Part, chunk: int = 0) -> np.random.Generator:
    """The generator of one part of one chunk."""
    key = (LOAN_STREAM, int(part), chunk)
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))


def choose(rng: np.random.Generator, shares: Sequence[float] | FloatArray, size: int) -> IntArray:
    """Positions 0..k-1 drawn with the given shares, which are rescaled to sum to one."""
    ends = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.searchsorted(ends / ends[-1], rng.random(size), side="right").astype(np.int64)
