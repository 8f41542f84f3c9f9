"""The verdict on one input message: aggregated, late, a heartbeat, or dead with a reason.

The rules are those of `docs/streaming.md`, in the order of `DEAD_LETTER_REASONS`; the first one
decides. The replay and the batch comparison judge with this module, and the Flink job with
`flink/java/Judge.java`: a corpus and a fuzzer hold the two together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final

from financial_pipeline.schemas import stream
from financial_pipeline.streaming.strict_json import parse_object
from financial_pipeline.streaming.topic_decoder import is_day

SMALLEST_PRICE: Final = Decimal("0.0001")
LARGEST_PRICE: Final = Decimal(10) ** 14
# Whole numbers below LARGEST_NUMBER; decimals as JSON writes them, without sign and exponent.
INTEGER: Final = re.compile(r"[0-9]{1,16}")
DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]{0,13})(?:\.[0-9]+)?")
SYMBOL: Final = re.compile(rf"[A-Z][A-Za-z0-9._=^-]{{0,{stream.MAX_SYMBOL_LENGTH - 1}}}")
BASES: Final = ("trades", "close")
Fields = Mapping[str, Any]


class Number(str):
    """A number of a message, as it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is set for the dead; `fields` holds the typed columns of everything readable."""

    reason: str | None
    fields: dict[str, Any]
    is_heartbeat: bool = False
    is_late: bool = False
    # Watermark of the message, microseconds; dead letters may have one too.
    watermark_us: int | None = None


def _integer(value: object) -> int | None:
    return int(value) if type(value) is Number and INTEGER.fullmatch(value) else None


def _decimal(value: object) -> Decimal | None:
    if not isinstance(value, str) or not DECIMAL.fullmatch(value):
        return None
    if value[-5:-4] == ".":
        return Decimal(value)
    number = Decimal(value).quantize(SMALLEST_PRICE, ROUND_HALF_UP)
    return number if number < LARGEST_PRICE else None


def _text(value: object) -> str | None:
    return value if type(value) is str else None


@lru_cache
def _date(text: str) -> date | None:
    return date.fromisoformat(text) if is_day(text) else None


def _day(value: object) -> date | None:
    return _date(value) if type(value) is str else None


READERS: Final[dict[str, Callable[[object], Any]]] = {
    "integer": _integer,
    "price": _decimal,
    "amount": _decimal,
    "text": _text,
    "date": _day,
}
COLUMNS: Final = [(column.name, READERS[column.kind]) for column in stream.RAW]


def _is_bad_quantity(row: Fields, content: Fields) -> bool:
    return (
        row["volume"] is None
        or (row["trades"] is None and content.get("trades") is not None)
        or row["notional"] is None
        or row["vwap_basis"] not in BASES
    )


def _is_source(source: object) -> bool:
    return source is None or (type(source) is str and len(source) <= stream.MAX_SOURCE_LENGTH)


def _reason(row: Fields, content: Fields, record_ms: int) -> str | None:
    """Return why a JSON object is dead, or None."""
    event, mark, symbol = row["event_us"], row["watermark_us"], row["symbol"]
    if row["schema_version"] != stream.SCHEMA_VERSION:
        return stream.WRONG_VERSION
    is_heartbeat = symbol == stream.HEARTBEAT_SYMBOL
    if not is_heartbeat and (symbol is None or not SYMBOL.fullmatch(symbol)):
        return stream.BAD_SYMBOL
    if event is None or mark is None or row["sequence"] is None:
        return stream.BAD_TIME
    if max(event, mark) // 1000 > record_ms + stream.FUTURE_TOLERANCE_MS:
        return stream.FROM_THE_FUTURE
    if is_heartbeat:
        return None
    if not all(row[name] for name in ("open", "high", "low", "close")):
        return stream.BAD_PRICE
    if _is_bad_quantity(row, content):
        return stream.BAD_QUANTITY
    if row["session_date"] is None:
        return stream.NO_SESSION
    return None if _is_source(content.get("source")) else stream.BAD_SOURCE


def judge(value: bytes | None, record_ms: int) -> Verdict:
    """The verdict on the value of one message with this record timestamp (milliseconds)."""
    if value is None:
        return Verdict(stream.NULL_VALUE, {})
    if len(value) > stream.MAX_MESSAGE_BYTES:
        return Verdict(stream.OVERSIZE, {})
    content = parse_object(value, Number, Number)
    if content is None:
        return Verdict(stream.NOT_A_JSON_OBJECT, {})
    row = {name: read(content.get(name)) for name, read in COLUMNS}
    reason, mark = _reason(row, content, record_ms), row["watermark_us"]
    if mark is not None and mark // 1000 > record_ms + stream.FUTURE_TOLERANCE_MS:
        mark = None
    is_heartbeat = row["symbol"] == stream.HEARTBEAT_SYMBOL
    is_late = not (reason or is_heartbeat) and row["event_us"] // 1000 < row["watermark_us"] // 1000
    return Verdict(reason, row, is_heartbeat, is_late, mark)
