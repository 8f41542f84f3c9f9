"""Indicators and alerts of one symbol and session, from its finished bars in order.

A bar has at most one alert: the worst severity that its return or its volume reaches and did not
reach in the ten bars before; of equal ones the return's.

Returns and log volumes are rounded to whole units of 1e-12 first, so that sums are exact and every
engine gets the same result in any order of addition.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any, Final

from financial_pipeline.schemas import stream

# Bars of a rolling window.
WINDOW_BARS: Final = 60
# An alert is not repeated within this many bars of the same symbol and session.
QUIET_BARS: Final = 10
# Absolute z-scores from which a bar raises an alert, in ascending order.
SEVERITIES: Final = {"warning": 4.0, "critical": 6.0}
# Returns and log volumes are rounded to multiples of one over this number.
UNITS: Final = 10**12
# Columns that indicators copy from their bar.
SHARED: Final = (
    "schema_version",
    "symbol",
    "session_date",
    "window_start_us",
    "bar_seconds",
    "close",
    "revision",
    "source",
)
RULES: Final = ("return_zscore", "volume_zscore")


def in_units(value: float) -> int:
    """Whole units of 1e-12; a half goes away from zero, as in SQL."""
    scaled = value * UNITS
    return int(math.copysign(math.floor(abs(scaled) + 0.5), scaled))


def _deviation(values: Sequence[int]) -> float:
    """Sample deviation (ddof 1) in units of 1e-12."""
    count = len(values)
    spread = count * sum(value * value for value in values) - sum(values) ** 2
    return math.sqrt(spread / (count * (count - 1)))


def _zscore(value: int | None, before: Sequence[int | None]) -> float | None:
    known = [item for item in before if item is not None]
    if value is None or len(known) < WINDOW_BARS:
        return None
    deviation = _deviation(known)
    return (len(known) * value - sum(known)) / len(known) / deviation if deviation > 0 else None


@dataclass
class Session:
    """The state of one symbol in one session: the last bars, and their measures."""

    last_close: float | None = None
    squares: int | None = None
    returns: deque[int] = field(default_factory=lambda: deque(maxlen=WINDOW_BARS))
    volumes: deque[int | None] = field(default_factory=lambda: deque(maxlen=WINDOW_BARS))
    levels: deque[dict[str, int]] = field(default_factory=lambda: deque(maxlen=QUIET_BARS))

    def add(self, bar: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The indicators of the next bar, and its alert if it has one."""
        close = float(bar["close"])
        gain = None if self.last_close is None else in_units(math.log(close / self.last_close))
        volume = in_units(math.log(bar["volume"])) if bar["volume"] > 0 else None
        scores = {
            "return_zscore": _zscore(gain, self.returns),
            "volume_zscore": _zscore(volume, self.volumes),
        }
        if gain is not None:
            self.returns.append(gain)
            self.squares = (self.squares or 0) + gain * gain
        is_full = len(self.returns) == WINDOW_BARS
        row = {
            **{name: bar[name] for name in SHARED},
            "log_return": None if gain is None else gain / UNITS,
            "rolling_volatility": _deviation(self.returns) / UNITS if is_full else None,
            **scores,
            "realised_variance": None if self.squares is None else self.squares / UNITS**2,
        }
        self.last_close = close
        self.volumes.append(volume)
        worst, level = self._worst(scores)
        return row, [_alert(bar, worst, level, scores[worst])] if level else []

    def _worst(self, scores: dict[str, float | None]) -> tuple[str, int]:
        """The rule of the next bar's alert and how many severities it reaches, 0 for none."""
        levels = {
            rule: sum(abs(score or 0.0) >= limit for limit in SEVERITIES.values())
            for rule, score in scores.items()
        }
        before = {rule: max((past[rule] for past in self.levels), default=0) for rule in RULES}
        self.levels.append(levels)
        new = {rule: levels[rule] if levels[rule] > before[rule] else 0 for rule in RULES}
        # The first of equal ones.
        worst = max(RULES, key=lambda rule: new[rule])
        return worst, new[worst]


def _alert(bar: dict[str, Any], rule: str, level: int, score: float | None) -> dict[str, Any]:
    parts = (bar["symbol"], bar["window_start_us"], bar["bar_seconds"])
    found = {
        "alert_id": md5("|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest(),
        "rule": rule,
        "severity": tuple(SEVERITIES)[level - 1],
        "zscore": score,
    }
    return {column.name: {**bar, **found}[column.name] for column in stream.ALERTS}
