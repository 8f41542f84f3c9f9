"""The prices of the small world: late listings, gaps, broken scales, a flat stretch."""

from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

SESSIONS: Final = 640
# Bank and place of a session -> why its price is on another scale than the one before.
BREAKS: Final = {("GS", 350): "scale_unknown", ("WFC", 420): "dividend_unknown"}
SYMBOLS: Final = ("BAC", "C", "GS", "JPM", "WFC")


def session_dates() -> list[date]:
    """The weekdays of the price world."""
    days = (date(2010, 1, 4) + timedelta(days=count) for count in range(SESSIONS * 2))
    return [day for day in days if day.weekday() < 5][:SESSIONS]


def prices(random: np.random.Generator) -> pl.DataFrame:
    """One row per bank and session, as in fct_daily_prices."""
    frames = [_bank(random, symbol) for symbol in SYMBOLS]
    dates = session_dates()
    gone = {("WFC", dates[300]), ("WFC", dates[301]), ("JPM", dates[450])}
    gone |= {("C", day) for day in dates[560:580]}
    # One bank alone has a price of a session.
    lonely = {(symbol, dates[500]) for symbol in SYMBOLS[1:]}
    key = pl.struct("symbol", "session_date")
    missing = [{"symbol": symbol, "session_date": day} for symbol, day in gone | lonely]
    present = pl.concat(frames).filter(~key.is_in(missing))
    return present.filter((pl.col("symbol") != "GS") | (pl.col("session_date") >= dates[40]))


def _bank(random: np.random.Generator, symbol: str) -> pl.DataFrame:
    moves = random.normal(0.0004, 0.02, SESSIONS)
    if symbol == "BAC":
        moves[200:280] = 0.0
    close = 50 * np.exp(np.cumsum(moves))
    opened = close * np.exp(random.normal(0, 0.004, SESSIONS))
    spread = np.abs(random.normal(0, 0.01, SESSIONS))
    frame = pl.DataFrame(
        {
            "symbol": [symbol] * SESSIONS,
            "session_date": session_dates(),
            "session_number": range(SESSIONS),
            "scale_break": [BREAKS.get((symbol, place)) for place in range(SESSIONS)],
            "open": opened,
            "high": np.maximum(opened, close) * (1 + spread),
            "low": np.minimum(opened, close) * (1 - spread),
            "close": close,
            "adjusted_close": close * 0.8,
        },
        schema_overrides={"scale_break": pl.String},
    )
    return frame.with_columns(
        open=pl.when(pl.col("session_date").dt.day() != 13).then("open"),
        has_valid_range=pl.col("session_date").dt.day() != 13,
    )
