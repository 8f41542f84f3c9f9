"""What is written to and read from topics: events, their canonical bytes, and decoding.

The canonical form fixes the order of the fields and has no blanks; the job reads it several times
faster than other JSON, which it also takes. The contract is `schemas/stream.py`.
"""

import json
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from financial_pipeline.schemas.stream import HEARTBEAT_SYMBOL, SCHEMA_VERSION

NEW_YORK: Final = ZoneInfo("America/New_York")
MICROSECONDS: Final = 1_000_000
_HEAD: Final = f'{{"schema_version":{SCHEMA_VERSION},"event_us":'


class MarketEvent(NamedTuple):
    """One trade or bar to produce; prices and notional are decimal texts with four places."""

    event_us: int
    symbol: str
    sequence: int
    open: str
    high: str
    low: str
    close: str
    volume: int
    trades: int | None
    notional: str
    vwap_basis: str
    # ISO date, or None where the exchange is closed.
    session_date: str | None
    source: str
    # When the event is over and may be known: the end of a bar.
    end_us: int


def encode(event: MarketEvent, watermark_us: int) -> bytes:
    """The canonical bytes of an event."""
    trades = "null" if event.trades is None else event.trades
    session = f'"{event.session_date}"' if event.session_date else "null"
    return (
        f'{_HEAD}{event.event_us},"watermark_us":{watermark_us},"symbol":"{event.symbol}",'
        f'"sequence":{event.sequence},"open":"{event.open}","high":"{event.high}",'
        f'"low":"{event.low}","close":"{event.close}","volume":{event.volume},'
        f'"trades":{trades},"notional":"{event.notional}","vwap_basis":"{event.vwap_basis}",'
        f'"session_date":{session},"source":"{event.source}"}}'
    ).encode()


def encode_heartbeat(event_us: int, watermark_us: int, sequence: int) -> bytes:
    """The canonical bytes of a heartbeat."""
    return (
        f'{_HEAD}{event_us},"watermark_us":{watermark_us},"symbol":"{HEARTBEAT_SYMBOL}",'
        f'"sequence":{sequence}}}'
    ).encode()


def decode(value: bytes) -> dict[str, Any]:
    """A message that the job or a producer wrote; decimals stay exact."""
    return json.loads(value, parse_float=Decimal)


def price_text(price: Decimal | float | str) -> str:
    """A price, dollars, as the text with four places that messages carry."""
    return f"{Decimal(price):.4f}"


@lru_cache(maxsize=4096)
def session_of_minute(minute: int) -> str:
    """The New York date of a minute since 1970 UTC, session or not."""
    return datetime.fromtimestamp(minute * 60, NEW_YORK).date().isoformat()
