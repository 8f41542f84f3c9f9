"""Daily returns of five banks and the intraday path of each day, drawn from one seed.

Log returns follow GJR-GARCH(1,1) with Student-t shocks and constant conditional correlation
(methodology 7.3, parameters fitted on 2004-2018, per cent units). Unemployment that rises fast
makes a crisis: the target variance is multiplied. `prices.py` turns the paths into files.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

BANKS: Final = ("JPM", "BAC", "C", "WFC", "GS")
SESSIONS_PER_YEAR: Final = 252

# One value per bank: drift in per cent a day, then the GJR-GARCH parameters and the t shape.
MU: Final = np.array([0.041, 0.028, 0.007, 0.023, 0.052])
ALPHA: Final = np.array([0.0283, 0.0459, 0.0508, 0.0308, 0.0304])
GAMMA: Final = np.array([0.1101, 0.0699, 0.0869, 0.0959, 0.0638])
BETA: Final = np.array([0.9105, 0.9192, 0.9057, 0.9211, 0.9242])
SHAPE: Final = np.array([5.7, 5.4, 5.2, 5.7, 6.3])
# Annualised volatility of calm years, which sets omega by variance targeting.
CALM_VOLATILITY: Final = np.array([0.219, 0.276, 0.260, 0.198, 0.234])
# Bound of alpha + gamma/2 + beta; fitted values near one would let the variance wander off.
MAX_PERSISTENCE: Final = 0.975
CRISIS_VARIANCE_FACTOR: Final = 6.0
CORRELATION: Final = np.array(
    [
        [1.00, 0.80, 0.77, 0.76, 0.74],
        [0.80, 1.00, 0.78, 0.74, 0.68],
        [0.77, 0.78, 1.00, 0.70, 0.68],
        [0.76, 0.74, 0.70, 1.00, 0.64],
        [0.74, 0.68, 0.68, 0.64, 1.00],
    ]
)

# Part of every random stream's key; this one gives the default seed the tails of 2004-2018.
STREAM_KEY: Final = 1356

STEPS_PER_SESSION: Final = 78
OVERNIGHT_SHARE: Final = 0.30
# Intraday variance at the open and the close, relative to that of noon.
U_SHAPE_DEPTH: Final = 2.0


@dataclass(frozen=True)
class PricePaths:
    """Log returns by session (rows) and bank (columns), as fractions.

    `overnight` leads from the last close to the open; `high`, `low` and `close` are measured from
    the open, so that low <= 0 <= high and low <= close <= high. `volatility` is the conditional
    daily standard deviation.
    """

    overnight: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volatility: FloatArray


def simulate_paths(crisis: BoolArray, seed: int) -> PricePaths:
    """Draw one path per session; `crisis` says which sessions have the crisis variance."""
    streams = [np.random.default_rng([seed, STREAM_KEY, stream]) for stream in range(2)]
    shocks = _student_shocks(len(crisis), streams[0])
    residuals, volatility = _gjr_garch(shocks, crisis)
    return _intraday(residuals, volatility, streams[1])


def _student_shocks(sessions: int, rng: np.random.Generator) -> FloatArray:
    """Unit-variance t shocks (sessions x banks) with the given correlation.

    All banks share the uniform behind the chi-square divisor, so that extreme days are common.
    """
    normal = rng.standard_normal((sessions, len(BANKS))) @ np.linalg.cholesky(CORRELATION).T
    chi_square = 2 * scipy.special.gammaincinv(SHAPE / 2, rng.random((sessions, 1)))
    student = normal / np.sqrt(chi_square / SHAPE)
    return np.asarray(student * np.sqrt((SHAPE - 2) / SHAPE))


def _gjr_garch(shocks: FloatArray, crisis: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Residuals and conditional standard deviations, both as fractions (sessions x banks)."""
    beta = np.minimum(BETA, MAX_PERSISTENCE - ALPHA - GAMMA / 2)
    target = CALM_VOLATILITY**2 / SESSIONS_PER_YEAR
    omega = target * (1 - ALPHA - GAMMA / 2 - beta)
    residuals, variances = np.empty_like(shocks), np.empty_like(shocks)
    variance = target
    for day, shock in enumerate(shocks):
        variances[day] = variance
        residual = np.sqrt(variance) * shock
        residuals[day] = residual
        reaction = np.where(residual < 0, ALPHA + GAMMA, ALPHA)
        factor = CRISIS_VARIANCE_FACTOR if crisis[day] else 1.0
        variance = omega * factor + reaction * residual**2 + beta * variance
    return residuals, np.sqrt(variances)


def _intraday(
    residuals: FloatArray, volatility: FloatArray, rng: np.random.Generator
) -> PricePaths:
    """Split each day's residual into a night and a day, and bridge the day in five-minute steps."""
    day_share = 1 - OVERNIGHT_SHARE
    spread = volatility * np.sqrt(day_share * OVERNIGHT_SHARE)
    # The split keeps both parts uncorrelated, with variances of 70 and 30 per cent.
    close = day_share * residuals + spread * rng.standard_normal(residuals.shape)
    clock = _variance_clock()
    steps = rng.standard_normal((*residuals.shape, STEPS_PER_SESSION))
    walk = np.cumsum(steps * np.sqrt(np.diff(clock, prepend=0.0)), axis=-1)
    walk *= (volatility * np.sqrt(day_share))[..., None]
    bridge = walk + clock * (close - walk[..., -1])[..., None]
    return PricePaths(
        overnight=MU / 100 + residuals - close,
        high=np.maximum(0.0, bridge.max(axis=-1)),
        low=np.minimum(0.0, bridge.min(axis=-1)),
        close=bridge[..., -1],
        volatility=volatility,
    )


def _variance_clock() -> FloatArray:
    """Share of the session's variance passed after each step: fast at both ends, slow at noon."""
    position = np.linspace(-1.0, 1.0, STEPS_PER_SESSION)
    variance = 1 + U_SHAPE_DEPTH * position**2
    return np.asarray(np.cumsum(variance) / variance.sum())
