"""Bar files for replay: `datetime,open,high,low,close,volume` in New York local time.

Files come ascending or newest first, and label a bar by its start or by its end; both are detected.
A bar that starts at 09:30 opens a session, so a file whose days mostly begin one bar later labels
the end; a file with neither of these bars is refused unless the label is given. Prices keep the
decimals of the file, to four places.
"""

import re
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, NamedTuple

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.market_event import MarketEvent, price_text
from financial_pipeline.schemas.stream import LARGEST_NUMBER
from financial_pipeline.sources import market_calendar

COLUMNS: Final = ("datetime", "open", "high", "low", "close", "volume")
OPENING: Final = timedelta(hours=9, minutes=30)
MICROSECONDS: Final = 1_000_000
# `JPM_1min.csv`: the symbol is the text before the first underscore or the extension.
SYMBOL: Final = re.compile(r"[A-Z][A-Z0-9.-]{0,15}(?=[_.])")

Label = Literal["auto", "start", "end"]


class _Bar(NamedTuple):
    """A row: the time of its label, New York local time; four prices in dollars; shares."""

    at: datetime
    prices: tuple[Decimal, ...]
    volume: int


def bar_events(path: Path, label: Label = "auto") -> list[MarketEvent]:
    """The bars of a file as events in the order of time, event time being the start of the bar.

    Notional is close x volume, for such files contain neither trades nor notional. A bar on a date
    that is no session has `session_date` None. Raises `PipelineError`, with the line, where the
    file is no bar file.
    """
    bars = [_bar(path, line, row) for line, row in enumerate(_rows(path), start=2)]
    symbol = _symbol(path)
    labels = [bar.at for bar in bars]
    width = _width(path, labels)
    named = _label(path, labels, width) if label == "auto" else label
    shift = width if named == "end" else timedelta()
    starts = sorted((bar.at - shift, bar) for bar in bars)
    open_days = set(market_calendar.sessions(starts[0][0].date(), starts[-1][0].date()))
    return [_event(at, bar, symbol, width, open_days, path.name) for at, bar in starts]


def _rows(path: Path) -> list[tuple[str | None, ...]]:
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())
        raise PipelineError(f"{path} cannot be read as a bar file: {reason}") from error
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing or frame.is_empty():
        raise PipelineError(
            f"{path} is no bar file: it needs rows with the columns {', '.join(COLUMNS)}"
            + (f" and lacks {', '.join(missing)}." if missing else ".")
        )
    return frame.select(COLUMNS).rows()


def _symbol(path: Path) -> str:
    match = SYMBOL.match(path.name)
    if not match:
        raise PipelineError(
            f"{path.name} does not begin with a symbol: name it like JPM_1min.csv or JPM.csv."
        )
    return match[0]


def _bar(path: Path, line: int, row: tuple[str | None, ...]) -> _Bar:
    cells = dict(zip(COLUMNS, row, strict=True))
    column = "datetime"
    try:
        at = _local(cells["datetime"] or "")
        numbers = []
        for column in COLUMNS[1:]:
            numbers.append(_number(cells[column] or ""))
        if numbers[-1] != int(numbers[-1]):
            raise ValueError("shares are whole")
    except (ValueError, InvalidOperation):
        kind = "a date and time" if column == "datetime" else "a number"
        kind = "a whole number" if column == "volume" else kind
        raise PipelineError(
            f"{path}, line {line}: column {column} contains {cells[column] or ''!r} where {kind} "
            "belongs."
        ) from None
    return _Bar(at, tuple(numbers[:-1]), int(numbers[-1]))


def _local(text: str) -> datetime:
    """New York local time; a text with an offset is brought there."""
    at = datetime.fromisoformat(text.strip())
    return at.astimezone(market_calendar.EXCHANGE_ZONE).replace(tzinfo=None) if at.tzinfo else at


def _number(text: str) -> Decimal:
    number = Decimal(text.strip())
    if not number.is_finite() or abs(number) >= LARGEST_NUMBER:
        raise ValueError(text)
    return number


def _width(path: Path, labels: list[datetime]) -> timedelta:
    """The most common distance between neighbours."""
    ordered = sorted(labels)
    gaps = Counter(later - earlier for earlier, later in pairwise(ordered))
    if timedelta() in gaps:
        twice = next(at for at, count in Counter(labels).items() if count > 1)
        raise PipelineError(f"{path} contains two bars at {twice}: keep one.")
    if not gaps or gaps.most_common(1)[0][0] >= timedelta(days=1):
        raise PipelineError(f"{path} contains no intraday bars: nothing to replay.")
    return gaps.most_common(1)[0][0]


def _label(path: Path, labels: list[datetime], width: timedelta) -> Label:
    """`start` where at least half as many days have a bar at 09:30 as have the one after it.

    Raises PipelineError if no day has either.
    """
    by_day: dict[date, set[timedelta]] = {}
    for at in labels:
        midnight = datetime(at.year, at.month, at.day)
        by_day.setdefault(at.date(), set()).add(at - midnight)
    at_open = sum(OPENING in times for times in by_day.values())
    after = sum(OPENING + width in times for times in by_day.values())
    if not at_open and not after:
        raise PipelineError(
            f"{path} contains no bar at the opening (09:30), so its times may name the start or the"
            " end of a bar: give --label start or --label end."
        )
    return "start" if 2 * at_open >= max(after, 1) else "end"


def _event(
    start: datetime, bar: _Bar, symbol: str, width: timedelta, open_days: set[date], source: str
) -> MarketEvent:
    event_us = int(start.replace(tzinfo=market_calendar.EXCHANGE_ZONE).timestamp()) * MICROSECONDS
    opened, high, low, close = (price_text(price) for price in bar.prices)
    return MarketEvent(
        event_us,
        symbol,
        event_us // 1000,
        opened,
        high,
        low,
        close,
        bar.volume,
        None,
        price_text(Decimal(close) * bar.volume),
        "close",
        start.date().isoformat() if start.date() in open_days else None,
        source,
        event_us + int(width.total_seconds()) * MICROSECONDS,
    )
