"""A small market for a running Dagster: two banks on the newest twenty trading days.

The days are counted back from today, because a world of files lives by the machine's clock.
"""

import os
import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from financial_pipeline.alerts import freshness
from financial_pipeline.sources.market_calendar import sessions

SESSIONS = 20
BANKS = ("BAC", "JPM")
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
# Files that changed just now count as being on their way into the folder.
SETTLED_SECONDS = 60
# On this session, counted from the first, BAC has no price in the first delivery.
HOLE = 4
# So many of the newest sessions are missing in the first delivery.
MISSING = 3


def trading_days() -> list[date]:
    """The newest sessions whose prices should be there by now."""
    now = freshness.datetime.now(freshness.NEW_YORK)
    last = freshness.newest_session(now)
    return sessions(last - timedelta(days=2 * SESSIONS), last)[-SESSIONS:]


def close_of(bank: str, position: int) -> float:
    """The close of a bank on a session, counted from the first."""
    return (30.0 if bank == "BAC" else 100.0) + position / 4


def price_file(folder: Path, bank: str, days: Mapping[int, date]) -> Path:
    """Drop a price file with these sessions (position -> day)."""
    rows = [
        f"{day},{close:.2f},{close + 1:.2f},{close - 1:.2f},{close:.2f},{close:.2f},1000"
        for position, day in days.items()
        for close in [close_of(bank, position)]
    ]
    return dropped(folder / f"{bank}.csv", [HEADER, *rows])


def dropped(path: Path, lines: Sequence[str]) -> Path:
    """Write a file of the drop folder that has settled there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]), "utf-8")
    settled = time.time() - SETTLED_SECONDS
    os.utime(path, (settled, settled))
    return path


def first_delivery(folder: Path) -> list[date]:
    """Drop both banks, without the newest sessions and with BAC's hole; returns their days."""
    days = trading_days()[:-MISSING]
    for bank in BANKS:
        held = {i: day for i, day in enumerate(days) if (bank, i) != ("BAC", HOLE)}
        price_file(folder, bank, held)
    return days


def variables(folder: Path) -> dict[str, str]:
    """The settings of a pipeline that lives on this drop folder."""
    return {
        "FINANCIAL_PIPELINE_SOURCE": "files",
        "FINANCIAL_PIPELINE_LANDING": str(folder),
        "FINANCIAL_PIPELINE_FIRST_SESSION": trading_days()[0].isoformat(),
    }
