"""The JSON of a message: one strict RFC 8259 object in UTF-8, or nothing.

Python's parser takes duplicate names, `NaN` and halves of surrogate pairs; all of them are refused
here, at every level.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Final, NoReturn

# Characters of a number, and levels of arrays and objects, the message itself included.
LONGEST_NUMBER: Final = 1000
DEEPEST_LEVEL: Final = 64


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _bound_length(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        if len(text) > LONGEST_NUMBER:
            raise ValueError(f"a number of {len(text)} characters")
        return read(text)

    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name occurs twice")
    return content


def _check(found: object, level: int) -> None:
    """Raise ValueError for half a surrogate pair, and below the deepest level."""
    if isinstance(found, str):
        found.encode("utf-8")
    elif isinstance(found, dict | list):
        if level > DEEPEST_LEVEL:
            raise ValueError(f"more than {DEEPEST_LEVEL} levels")
        for name in found if isinstance(found, dict) else ():
            _check(name, level)
        for value in found.values() if isinstance(found, dict) else found:
            _check(value, level + 1)


@cache
def _decoder(
    integer: Callable[[str], Any], real: Callable[[str], Any], is_short: bool
) -> json.JSONDecoder:
    return json.JSONDecoder(
        parse_int=integer if is_short else _bound_length(integer),
        parse_float=real if is_short else _bound_length(real),
        parse_constant=_refuse_constant,
        object_pairs_hook=_object,
    )


def parse_object(
    value: bytes,
    integer: Callable[[str], Any] = int,
    real: Callable[[str], Any] = Decimal,
) -> dict[str, Any] | None:
    """Return the object in the bytes of a message, or None; `integer` and `real` read numbers."""
    try:
        content = _decoder(integer, real, len(value) <= LONGEST_NUMBER).decode(value.decode())
        is_plain = b"\\u" not in value and value.count(b"{") + value.count(b"[") == 1
        if not is_plain:
            _check(content, 1)
    # The decimal module raises an ArithmeticError for an exponent beyond its own limits.
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return content if isinstance(content, dict) else None
