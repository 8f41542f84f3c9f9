"""What becomes of one input message: aggregated, late, a heartbeat, or dead with a reason.

The same rules as the Flink job and `recompute.py`, in plain Python: the contract tests hold the
three together. Rules are judged in the order of `DEAD_LETTER_REASONS`; the first one decides.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from financial_pipeline.schemas import stream
from financial_pipeline.streaming.topic_decoder import is_day

CENT_HUNDREDTH: Final = Decimal("0.0001")
INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
SYMBOL: Final = re.compile(rf"[A-Z][^,]{{0,{stream.MAX_SYMBOL_LENGTH - 1}}}")
LARGEST_PRICE: Final = Decimal(10) ** 14
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """`reason` is set for the dead; `fields` holds the typed columns of everything readable."""

    reason: str | None
    fields: dict[str, Any]
    is_heartbeat: bool = False
    is_late: bool = False
    # What the message says about time, microseconds; the dead may say it too.
    watermark_us: int | None = None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _parsed(value: bytes) -> dict[str, Any] | None:
    """The JSON object in the bytes, or None."""
    try:
        content = json.loads(
            value.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _integer(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return int(value) if INTEGER.fullmatch(str(value)) else None


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
        rounded = number.quantize(CENT_HUNDREDTH, ROUND_HALF_UP) if number.is_finite() else None
    except InvalidOperation:
        return None
    return rounded if rounded is not None and abs(rounded) < LARGEST_PRICE else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _day(value: object) -> date | None:
    return date.fromisoformat(str(value)) if is_day(value) else None


READERS: Final = {
    "integer": _integer,
    "price": _decimal,
    "amount": _decimal,
    "text": _text,
    "date": _day,
}


def _typed(content: Fields) -> dict[str, Any]:
    """The columns of the raw message; null where absent or of another type."""
    return {column.name: READERS[column.kind](content.get(column.name)) for column in stream.RAW}


def _is_number(value: int | None) -> bool:
    return value is not None and 0 <= value < stream.LARGEST_NUMBER


def _is_bad_price(row: Fields) -> bool:
    prices = [row[name] for name in ("open", "high", "low", "close")]
    return any(price is None or price <= 0 for price in prices)


def _is_bad_quantity(row: Fields) -> bool:
    return (
        not _is_number(row["volume"])
        or (row["trades"] or 0) < 0
        or row["notional"] is None
        or row["notional"] < 0
        or row["vwap_basis"] not in ("trades", "close")
    )


def _is_symbol(symbol: str | None) -> bool:
    return symbol == stream.HEARTBEAT_SYMBOL or bool(symbol and SYMBOL.fullmatch(symbol))


def _reason(row: Fields, record_ms: int) -> str | None:
    """Why a JSON object is dead, or None."""
    latest_ms = record_ms + stream.FUTURE_TOLERANCE_MS
    is_timed = all(_is_number(row[name]) for name in ("event_us", "sequence", "watermark_us"))
    if row["schema_version"] != stream.SCHEMA_VERSION:
        return stream.WRONG_VERSION
    if not _is_symbol(row["symbol"]):
        return stream.BAD_SYMBOL
    if not is_timed:
        return stream.BAD_TIME
    if max(row["event_us"], row["watermark_us"]) // 1000 > latest_ms:
        return stream.FROM_THE_FUTURE
    if row["symbol"] == stream.HEARTBEAT_SYMBOL:
        return None
    if _is_bad_price(row):
        return stream.BAD_PRICE
    if _is_bad_quantity(row):
        return stream.BAD_QUANTITY
    return None if row["session_date"] else stream.NO_SESSION


def _watermark(row: Fields, record_ms: int) -> int | None:
    """What a readable watermark says, whatever else is wrong; one from the future says nothing."""
    mark = row["watermark_us"]
    is_sound = _is_number(mark) and mark // 1000 <= record_ms + stream.FUTURE_TOLERANCE_MS
    return mark if is_sound else None


def judge(value: bytes | None, record_ms: int) -> Verdict:
    """The verdict on the value of one message with this record timestamp (milliseconds)."""
    if value is None:
        return Verdict(stream.NULL_VALUE, {})
    if len(value) > stream.MAX_MESSAGE_BYTES:
        return Verdict(stream.OVERSIZE, {})
    content = _parsed(value)
    if content is None:
        return Verdict(stream.NOT_A_JSON_OBJECT, {})
    row = _typed(content)
    reason, mark = _reason(row, record_ms), _watermark(row, record_ms)
    is_heartbeat = row["symbol"] == stream.HEARTBEAT_SYMBOL
    is_late = not (reason or is_heartbeat) and row["event_us"] // 1000 < row["watermark_us"] // 1000
    return Verdict(reason, row, is_heartbeat, is_late, mark)
