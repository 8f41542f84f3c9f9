"""The JSON that a message may be: one strict object."""

from decimal import Decimal

import pytest

from financial_pipeline.streaming.strict_json import parse_object

REFUSED = {
    "an array": b"[]",
    "a scalar": b"1",
    "nothing": b"",
    "a trailing comma": b'{"a":1,}',
    "text behind it": b'{"a":1} x',
    "two objects": b'{"a":1}{"a":1}',
    "a name twice": b'{"a":1,"a":1}',
    "a name twice inside": b'{"a":{"b":1,"b":2}}',
    "a name twice, escaped": b'{"a":1,"\\u0061":2}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "a leading zero": b'{"a":05}',
    "a plus sign": b'{"a":+5}',
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "half a surrogate pair in a name": b'{"\\udc00":1}',
    "half a surrogate pair inside": b'{"a":["x",{"b":"\\ud800x"}]}',
    "an encoded surrogate": b'{"a":"\xed\xa0\x80"}',
    "no UTF-8": b'{"a":"\xff"}',
    "an overlong character": b'{"a":"\xc0\xaf"}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a control character": b'{"a":"\n"}',
    "a NUL behind it": b'{"a":1}\x00',
    "a comment": b'{"a":1/**/}',
    "single quotes": b"{'a':1}",
    "a number of 1,001 digits": b'{"a":1' + 1000 * b"0" + b"}",
    "a fraction of 1,001 digits": b'{"a":1.' + 1000 * b"0" + b"}",
    "65 levels": b'{"a":' + 64 * b"[" + 64 * b"]" + b"}",
    "30,000 levels": b'{"a":' + 30_000 * b"[" + 30_000 * b"]" + b"}",
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_is_no_strict_object_is_refused(value: bytes) -> None:
    assert parse_object(value) is None


def test_a_strict_object_is_read_exactly() -> None:
    text = (
        b' {"a" : 1.50, "b":-0, "c":"\\ud83d\\ude00\\u0000", "d":{"a":[null,true]}, "":1e2}\r\n\t'
    )
    assert parse_object(text) == {
        "a": Decimal("1.50"),
        "b": 0,
        "c": "\U0001f600\0",
        "d": {"a": [None, True]},
        "": Decimal("1e2"),
    }


def test_the_limits_themselves_are_read() -> None:
    assert parse_object(b'{"a":' + 63 * b"[" + 63 * b"]" + b"}") is not None
    assert parse_object(b'{"a":' + 1000 * b"9" + b"}") == {"a": 10**1000 - 1}
