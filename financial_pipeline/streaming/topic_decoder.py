"""One total decoder for the topics that the job writes: any bytes give a row or a reason."""

import math
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from financial_pipeline.schemas import stream
from financial_pipeline.schemas.stream import Column
from financial_pipeline.streaming.strict_json import parse_object

# Digits of the widest decimal of a table, and digits before the point of each kind.
LARGEST_DIGITS: Final = 38
LARGEST_EXPONENT: Final = {"price": 14, "amount": 34}
LARGEST_BAR_SECONDS: Final = 86_400
Decoded = tuple[dict[str, Any], None] | tuple[None, str]


def _is_integer(name: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int):
        return False
    if name == "bar_seconds":
        return 0 < value <= LARGEST_BAR_SECONDS
    return abs(value) < stream.LARGEST_NUMBER


def _is_decimal(kind: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return False
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    if not number.is_finite():
        return False
    digits, exponent = number.as_tuple().digits, number.as_tuple().exponent
    is_short = len(digits) <= LARGEST_DIGITS and abs(int(exponent)) <= LARGEST_DIGITS
    return is_short and number.adjusted() < LARGEST_EXPONENT[kind]


def _is_real(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: int | Decimal) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def is_day(value: object) -> bool:
    """Whether a value is a date in the form `2019-04-01`."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _fits(column: Column, value: object) -> bool:
    if column.kind == "integer":
        return _is_integer(column.name, value)
    if column.kind in LARGEST_EXPONENT:
        return _is_decimal(column.kind, value)
    if column.kind == "real":
        return _is_real(value)
    return is_day(value) if column.kind == "date" else isinstance(value, str)


def decode_row(topic: str, value: bytes | None) -> Decoded:
    """Return the fields of a message on a topic of the job, or None and why it is unreadable."""
    if value is None:
        return None, stream.NULL_VALUE
    content = parse_object(value)
    if content is None:
        return None, stream.NOT_A_JSON_OBJECT
    is_heartbeat = content.get("symbol") == stream.HEARTBEAT_SYMBOL
    needed = stream.HEARTBEAT_COLUMNS.get(topic) if is_heartbeat else None
    for column in stream.TOPICS[topic]:
        found = content.get(column.name)
        is_optional = column.nullable if needed is None else column.name not in needed
        if not (is_optional if found is None else _fits(column, found)):
            return None, f"bad_{column.name}"
    return content, None
