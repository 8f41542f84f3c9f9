"""Simulated trades of a session, consistent with the simulated daily prices.

The first trade is at the open, the last at the close, high and low are reached exactly and never
passed, and sizes add up to the day's volume: the bars of a session roll up to its daily bar. Prices
have four places. Few trades arrive later than the watermark's delay, so that late messages occur.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.market_event import MarketEvent
from financial_pipeline.simulator.price_paths import BANKS

NEW_YORK: Final = ZoneInfo("America/New_York")
OPENING: Final = time(9, 30)
SESSION_SECONDS: Final = 23_400
MICROSECONDS: Final = 1_000_000
TICKS_PER_DOLLAR: Final = 10_000
# Trades reach the producer within this time (microseconds), except for the late share.
USUAL_DELAY_US: Final = 1_500_000
LATE_SHARE: Final = 0.002
LATE_FROM_US, LATE_TO_US = 8_000_000, 90_000_000
# The range of a random walk, in its own standard deviations, is this on average: sqrt(8 / pi).
RANGE_DEVIATIONS: Final = 1.596
# Degrees of freedom of the steps, which are Student's: minute returns have fat tails.
FREEDOM: Final = 6
# Spread of the times at which high and low are reached, on the log scale.
TIME_SPREAD: Final = 0.5
# Part of every random stream's key, apart from those of prices.
STREAM_KEY: Final = 9_301_600
SEQUENCES_PER_SESSION: Final = 10_000_000


def ticks(
    prices: Path, sessions: Sequence[date], symbols: Sequence[str], seed: int, per_minute: float = 4
) -> Iterator[MarketEvent]:
    """Trades of all symbols in the order in which they become known, session by session.

    `prices` is the folder of the simulated price files (`<SYMBOL>.csv`). The same arguments give
    the same trades. Sessions that the files do not contain have no trades.
    """
    days = {symbol: _daily(prices / f"{symbol}.csv") for symbol in symbols}
    for session in sorted(sessions):
        events = [
            event
            for number, symbol in enumerate(symbols)
            if session in days[symbol]
            for event in _session(symbol, session, days[symbol][session], seed, number, per_minute)
        ]
        yield from sorted(events, key=lambda event: (event.known_us, event.symbol, event.sequence))


def newest_trades(prices: Path, sessions: int, seed: int) -> Iterator[MarketEvent]:
    """Trades of all banks in the last sessions of the folder of simulated price files."""
    return ticks(prices, last_sessions(prices, sessions), BANKS, seed)


def last_sessions(prices: Path, count: int) -> list[date]:
    """The last sessions that all price files of the folder contain, ascending.

    Raises `PipelineError` if there are none.
    """
    files = sorted(prices.glob("*.csv"))
    if not files:
        raise PipelineError(
            f"No simulated prices in {prices}: run `financial-pipeline demo` on this data root."
        )
    common = set.intersection(*(set(_daily(path)) for path in files))
    return sorted(common)[-count:]


def _daily(path: Path) -> dict[date, tuple[float, float, float, float, int]]:
    frame = pl.read_csv(path, columns=["Date", "Open", "High", "Low", "Close", "Volume"])
    frame = frame.with_columns(pl.col("Date").str.to_date())
    return {row[0]: row[1:] for row in frame.iter_rows()}


def _session(
    symbol: str,
    session: date,
    day: tuple[float, float, float, float, int],
    seed: int,
    number: int,
    per_minute: float,
) -> Iterator[MarketEvent]:
    rng = np.random.default_rng([seed, STREAM_KEY, session.toordinal(), number])
    count = max(4, int(rng.poisson(per_minute * SESSION_SECONDS / 60)))
    offsets = np.sort(rng.integers(0, SESSION_SECONDS * MICROSECONDS, count))
    prices = _path(rng, day, offsets)
    sizes = rng.multinomial(max(day[4] - count, 0), np.full(count, 1 / count)) + 1
    delays = rng.integers(0, USUAL_DELAY_US, count)
    is_late = rng.random(count) < LATE_SHARE
    delays[is_late] = rng.integers(LATE_FROM_US, LATE_TO_US, int(is_late.sum()))
    start = int(datetime.combine(session, OPENING, NEW_YORK).timestamp()) * MICROSECONDS
    first = session.toordinal() * SEQUENCES_PER_SESSION
    columns = zip(prices.tolist(), sizes.tolist(), offsets.tolist(), delays.tolist(), strict=True)
    for place, (price, size, offset, delay) in enumerate(columns):
        text, notional = _dollars(price), _dollars(price * size)
        yield MarketEvent(
            start + offset,
            symbol,
            first + place,
            text,
            text,
            text,
            text,
            size,
            1,
            notional,
            "trades",
            session.isoformat(),
            "simulated",
            start + offset + delay,
        )


def _path(
    rng: np.random.Generator, day: tuple[float, float, float, float, int], offsets: np.ndarray
) -> np.ndarray:
    """Prices in 1e-4 dollars at these times: a walk from open over high and low to close.

    It is reflected at low and high, so that it moves there too.
    """
    opened, high, low, close = (round(price * TICKS_PER_DOLLAR) for price in day[:4])
    if high == low:
        return np.full(len(offsets), low)
    levels = _turns(rng, opened, high, low, close)
    places = _places(rng, levels, offsets)
    clock = (offsets - offsets[0]) / max(offsets[-1] - offsets[0], 1)
    steps = rng.standard_t(FREEDOM, len(offsets)) / np.sqrt(FREEDOM / (FREEDOM - 2))
    walk = np.cumsum(steps * np.sqrt(np.diff(clock, prepend=0.0)))
    walk *= (high - low) / RANGE_DEVIATIONS
    path = walk + np.interp(clock, clock[places], levels - walk[places])
    folded = np.abs((path - low) % (2 * (high - low)) - (high - low))
    prices = (high - np.round(folded)).astype(np.int64)
    prices[places] = levels
    return prices


def _turns(rng: np.random.Generator, opened: int, high: int, low: int, close: int) -> np.ndarray:
    """Open, the two extremes in their order, and close; the shorter way is the likelier."""
    low_first, high_first = (opened - low) + (high - close), (high - opened) + (close - low)
    is_low_first = rng.random() * (low_first + high_first) < high_first
    extremes = (low, high) if is_low_first else (high, low)
    return np.array([opened, *extremes, close])


def _places(rng: np.random.Generator, levels: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The trades at which the path is at these four levels.

    A random walk takes the square of a distance as time, so no stretch is steeper than the rest.
    """
    last = len(offsets) - 1
    times = np.square(np.diff(levels).astype(float)) * rng.lognormal(sigma=TIME_SPREAD, size=3)
    due = offsets[0] + np.cumsum(times)[:2] / times.sum() * (offsets[-1] - offsets[0])
    first, second = np.searchsorted(offsets, due)
    first = min(max(first, 1), last - 2)
    return np.array([0, first, min(max(second, first + 1), last - 1), last])


def _dollars(ticks: int) -> str:
    return f"{ticks // TICKS_PER_DOLLAR}.{ticks % TICKS_PER_DOLLAR:04d}"
