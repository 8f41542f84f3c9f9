"""Simulated trades of a session, consistent with the simulated daily prices.

The first trade is at the open, the last at the close, high and low are each reached once, and sizes
add up to the day's volume: the bars of a session roll up to its daily bar. Prices have four places.
Few trades arrive later than the watermark's delay, so that late messages occur.
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
# Trades reach the producer within this time (microseconds), but for the late share.
USUAL_DELAY_US: Final = 1_500_000
LATE_SHARE: Final = 0.002
LATE_FROM_US, LATE_TO_US = 8_000_000, 90_000_000
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
    prices = _path(rng, day, count)
    sizes = rng.multinomial(max(day[4] - count, 0), np.full(count, 1 / count)) + 1
    offsets = np.sort(rng.integers(0, SESSION_SECONDS * MICROSECONDS, count))
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
    rng: np.random.Generator, day: tuple[float, float, float, float, int], count: int
) -> np.ndarray:
    """Prices in 1e-4 dollars: a bridge from open to close within low and high, both reached."""
    opened, high, low, close = (round(price * TICKS_PER_DOLLAR) for price in day[:4])
    clock = np.linspace(0.0, 1.0, count)
    walk = np.cumsum(rng.standard_normal(count)) / np.sqrt(count)
    bridge = walk - walk[0] - clock * (walk[-1] - walk[0])
    path = opened + (close - opened) * clock + bridge * (high - low)
    prices = np.clip(np.round(path), low, high).astype(np.int64)
    inner = prices[1:-1]
    highest, lowest = int(np.argmax(inner)), int(np.argmin(inner))
    if highest == lowest:
        lowest = (highest + 1) % len(inner)
    inner[highest], inner[lowest] = high, low
    prices[0], prices[-1] = opened, close
    return prices


def _dollars(ticks: int) -> str:
    return f"{ticks // TICKS_PER_DOLLAR}.{ticks % TICKS_PER_DOLLAR:04d}"
