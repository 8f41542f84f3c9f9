"""Messages of topics: events, their canonical bytes, and decoding.

The canonical form fixes the order of the fields and has no blanks; the job takes other JSON too.
The contract is `schemas/stream.py`, and the grammar is in `docs/streaming.md`.
"""

import json
import zlib
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from financial_pipeline.schemas.market_event import MarketEvent
from financial_pipeline.schemas.stream import HEARTBEAT_SYMBOL, SCHEMA_VERSION

_HEAD: Final = f'{{"schema_version":{SCHEMA_VERSION},"event_us":'


@lru_cache
def _tail(vwap_basis: str, session_date: str | None, source: str) -> str:
    """The fields that are the same in most messages of a session."""
    session = f'"{session_date}"' if session_date else "null"
    return f'"vwap_basis":"{vwap_basis}","session_date":{session},"source":{json.dumps(source)}}}'


def encode(event: MarketEvent, watermark_us: int) -> bytes:
    """The canonical bytes of an event."""
    trades = "null" if event.trades is None else event.trades
    tail = _tail(event.vwap_basis, event.session_date, event.source)
    return (
        f'{_HEAD}{event.event_us},"watermark_us":{watermark_us},"symbol":"{event.symbol}",'
        f'"sequence":{event.sequence},"open":"{event.open}","high":"{event.high}",'
        f'"low":"{event.low}","close":"{event.close}","volume":{event.volume},'
        f'"trades":{trades},"notional":"{event.notional}",{tail}'
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


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key for any writer: its CRC-32 over the number of partitions."""
    return zlib.crc32(key) % partitions
