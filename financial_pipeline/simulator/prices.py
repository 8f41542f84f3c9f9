"""The simulated bank prices: one yfinance history file per bank.

Columns `Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits`, as Yahoo publishes them:
prices, volumes and dividends are split-adjusted, and `Adj Close` also removes dividends. A
reverse split of C shows in its last column only, for the prices before it are already adjusted.
"""

from datetime import date
from pathlib import Path
from typing import Final

import exchange_calendars
import numpy as np
import polars as pl
from numpy.typing import NDArray

from financial_pipeline.simulator.macro import WORLD_DATE, unemployment_path
from financial_pipeline.simulator.price_paths import (
    BANKS,
    STREAM_KEY,
    BoolArray,
    FloatArray,
    PricePaths,
    simulate_paths,
)
from financial_pipeline.sources.simulated import MARK_COLUMN

FIRST_SESSION: Final = date(2000, 1, 3)
# The close before the first session, split-adjusted dollars, in the order of BANKS.
FIRST_CLOSE: Final = np.array([48.0, 24.0, 380.0, 20.0, 85.0])
# Ordinary daily volume in shares.
MEAN_VOLUME: Final = np.array([18e6, 60e6, 16e6, 22e6, 5e6])
VOLUME_AR1: Final = 0.7
VOLUME_NOISE_SD: Final = 0.2
# Weight of the day's move, in standard deviations, on log volume; makes their correlation 0.4.
VOLUME_ON_MOVE: Final = 0.25

# The year's rise of unemployment, in points, that makes a crisis.
CRISIS_RISE: Final = 1.5

# Dividend per quarter as a share of the last close, paid from this day of each quarter's first
# month on.
DIVIDEND_YIELD: Final = 0.006
DIVIDEND_DAY: Final = 5
SPLIT_BANK: Final = "C"
SPLIT_SESSION: Final = np.datetime64("2011-05-09")
SPLIT_RATIO: Final = 0.1

PRICE_DECIMALS: Final = 6

Sessions = NDArray[np.datetime64]


def write_prices(folder: Path, seed: int) -> list[Path]:
    """Write `<SYMBOL>.csv` for the five banks, one row per session; return the paths, sorted.

    Sessions are those of the New York Stock Exchange from 2000-01-03 to the world date. The same
    seed writes the same bytes.
    """
    sessions = _sessions()
    paths = simulate_paths(crisis_sessions(sessions, seed), seed)
    volumes = _volumes(paths, np.random.default_rng([seed, STREAM_KEY, 2]))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for bank, symbol in enumerate(BANKS):
        frame = _history(symbol, sessions, paths, bank, volumes[:, bank])
        path = folder / f"{symbol}.csv"
        frame.write_csv(path, float_precision=PRICE_DECIMALS)
        written.append(path)
    return sorted(written)


def crisis_sessions(sessions: Sessions, seed: int) -> BoolArray:
    """Flag the sessions in months whose unemployment rose by 1.5 points within a year."""
    rise = pl.col("unrate") - pl.col("unrate").shift(12)
    # Rates have one decimal: rounding keeps a rise of exactly 1.5 on the right side.
    crisis = unemployment_path(seed).filter(rise.round(1) >= CRISIS_RISE)["month"].to_numpy()
    return np.isin(sessions.astype("datetime64[M]"), crisis.astype("datetime64[M]"))


def adjusted_closes(closes: FloatArray, dividends: FloatArray) -> FloatArray:
    """Remove dividends from split-adjusted closes (CRSP factor, methodology 3.1).

    A dividend D on session d multiplies every earlier close by 1 - D / close[d-1]; the last close
    is its own adjusted close.
    """
    factors = np.ones(len(closes))
    factors[:-1] = 1 - dividends[1:] / closes[:-1]
    return np.asarray(closes * np.cumprod(factors[::-1])[::-1])


def _sessions() -> Sessions:
    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_SESSION, end=WORLD_DATE)
    return np.asarray(calendar.sessions.values.astype("datetime64[D]"))


def _history(
    symbol: str, sessions: Sessions, paths: PricePaths, bank: int, volume: FloatArray
) -> pl.DataFrame:
    log_close = np.cumsum(paths.overnight[:, bank] + paths.close[:, bank])
    close = np.round(FIRST_CLOSE[bank] * np.exp(log_close), PRICE_DECIMALS)
    open_ = FIRST_CLOSE[bank] * np.exp(log_close - paths.close[:, bank])
    dividend = _dividends(sessions, close, bank)
    splits = np.where((sessions == SPLIT_SESSION) & (symbol == SPLIT_BANK), SPLIT_RATIO, 0.0)
    return pl.DataFrame(
        {
            "Date": sessions,
            "Open": np.round(open_, PRICE_DECIMALS),
            # Rounding is monotone, so high and low still bound the close.
            "High": np.maximum(
                np.round(open_ * np.exp(paths.high[:, bank]), PRICE_DECIMALS), close
            ),
            "Low": np.minimum(np.round(open_ * np.exp(paths.low[:, bank]), PRICE_DECIMALS), close),
            "Close": close,
            "Adj Close": adjusted_closes(close, dividend),
            "Volume": volume.astype(np.int64),
            "Dividends": dividend,
            "Stock Splits": splits,
            MARK_COLUMN: 1,
        }
    )


def _dividends(sessions: Sessions, closes: FloatArray, bank: int) -> FloatArray:
    """Dollars per share on each quarter's ex-date, which is a week apart from bank to bank."""
    months = sessions.astype("datetime64[M]")
    day = (sessions - months.astype("datetime64[D]")).astype(int) + 1
    quarter_start = months.astype(int) % 3 == 0
    due = quarter_start & (day >= DIVIDEND_DAY + 4 * bank)
    # The first due session of its month; the very first session has no close before it.
    ex_date = due & np.concatenate([[False], ~due[:-1]])
    before = np.concatenate([[0.0], closes[:-1]])
    return np.asarray(np.where(ex_date, np.round(DIVIDEND_YIELD * before, 4), 0.0))


def _volumes(paths: PricePaths, rng: np.random.Generator) -> FloatArray:
    """Shares by session and bank: log volume follows an AR(1) and grows with the day's move."""
    move = np.abs(paths.overnight + paths.close) / paths.volatility
    noise = rng.normal(0.0, VOLUME_NOISE_SD, move.shape)
    for day in range(1, len(noise)):
        noise[day] += VOLUME_AR1 * noise[day - 1]
    log_volume = noise + VOLUME_ON_MOVE * (move - move.mean(axis=0))
    return np.asarray(MEAN_VOLUME * np.exp(log_volume))
