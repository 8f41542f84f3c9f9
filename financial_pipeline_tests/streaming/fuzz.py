"""Messages around the edges of the grammar, from a seed: most are nearly sound."""

import random
from collections.abc import Callable, Iterator

from financial_pipeline_tests.streaming import corpus

EXAMPLES = corpus.read()
LONGEST_BASE = 2000
WHOLE = [one.value for one in EXAMPLES if one.value and len(one.value) < LONGEST_BASE]
TEXTS = [one.json for one in EXAMPLES if one.json and len(one.json) < LONGEST_BASE]
DIGITS = "0123456789"
NUMBER_PARTS = (
    "0",
    "1",
    "9",
    "00",
    "9" * 14,
    "9" * 16,
    ".",
    "-",
    "+",
    "e",
    "E",
    "e5",
    "_",
    "5",
    " ",
)
DATE_PARTS = (
    "2019",
    "0000",
    "0001",
    "9999",
    "-",
    "-02",
    "-29",
    "-04",
    "-31",
    "/",
    "1",
    "T",
    "Z",
    " ",
)
TEXT_PARTS = (
    "A", "z", "_", "__heartbeat__", "trades", "close", ".", "^", "=", ",", " ", "\\n", "\\u0041",
    "\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\u0000", "\\", '\\"', '"', "\u00e9", "\U0001f600",
    "\u0661", "\x7f", "\t", "\\/", "\\x", "x" * 255,
)  # fmt: skip
INSERTED = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b" ", b"\n", b"\0", b"\xff", b"\xc0\xaf",
    b"\xed\xa0\x80", b"\xe2\x82", b"\xef\xbb\xbf", b"\xf0\x9f\x98\x80", b"/", b"#", b"'", b"NaN",
    b"null", b"true", b"-", b"0", b"1e9", b"\x0c", b"\x1e", b"\xc2\xa0", b"\\u", b"\\ud800",
)  # fmt: skip


def _joined(rng: random.Random, parts: tuple[str, ...]) -> str:
    return "".join(rng.choices(parts, k=rng.randint(1, 4)))


def _number(rng: random.Random) -> str:
    whole = "".join(rng.choices(DIGITS, k=rng.choice((1, 2, 13, 14, 15, 16, 17))))
    fraction = "".join(rng.choices(DIGITS, k=rng.choice((0, 1, 3, 4, 5, 6, 30))))
    return whole.lstrip("0") + "." * bool(fraction) + fraction


def _nested(rng: random.Random) -> str:
    levels = rng.choice((1, 2, 62, 63, 64, 65, 200))
    opening = [rng.choice(("[", '{"a":')) for _ in range(levels)]
    closing = ["]" if one == "[" else "}" for one in reversed(opening)]
    return "".join([*opening, rng.choice(("1", "null", '"\\ud800"', "{}", "NaN")), *closing])


def _literal(rng: random.Random) -> str:
    """The JSON, or nearly, of one value."""
    makers: tuple[Callable[[], str], ...] = (
        lambda: rng.choice(TEXTS),
        lambda: _number(rng),
        lambda: f'"{_number(rng)}"',
        lambda: _joined(rng, NUMBER_PARTS),
        lambda: f'"{_joined(rng, NUMBER_PARTS)}"',
        lambda: f'"{_joined(rng, DATE_PARTS)}"',
        lambda: f'"{rng.randint(0, 9999):04}-{rng.randint(0, 13):02}-{rng.randint(0, 32):02}"',
        lambda: f'"{_joined(rng, TEXT_PARTS)}"',
        lambda: _nested(rng),
        lambda: str(1_553_002_200_000_000 + rng.choice((0, 1, 999, 1000, 60_000_999, 60_001_000))),
    )
    return rng.choice(makers)()


def _object(rng: random.Random) -> bytes:
    pairs = list(corpus.SOUND.items())
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        place = rng.randrange(len(pairs))
        pairs[place] = pairs[place][0], _literal(rng)
    if rng.random() < 0.15:
        pairs.insert(rng.randint(0, len(pairs)), (rng.choice(("x", "", "OPEN")), _literal(rng)))
    if rng.random() < 0.05:
        pairs.insert(rng.randint(0, len(pairs)), rng.choice(pairs))
    if rng.random() < 0.1:
        del pairs[rng.randrange(len(pairs))]
    if rng.random() < 0.1:
        rng.shuffle(pairs)
    blank = rng.choice(("", "", "", " ", "\r\n\t"))
    body = f"{blank},{blank}".join(f'"{name}"{blank}:{blank}{value}' for name, value in pairs)
    return f"{blank}{{{blank}{body}{blank}}}{blank}".encode("utf-8", "surrogatepass")


def _mutated(rng: random.Random, value: bytes) -> bytes:
    text = bytearray(value)
    for _ in range(rng.randint(1, 3)):
        place = rng.randint(0, len(text))
        kind = rng.randrange(4)
        if kind == 0:
            text[place:place] = rng.choice(INSERTED)
        elif kind == 1 and text:
            text[place % len(text)] = rng.randrange(256)
        elif kind == 2:
            del text[place : place + rng.choice((1, 1, 2, 10))]
        else:
            text[place:place] = text[place : place + rng.randint(1, 30)]
    return bytes(text)


def messages(seed: int, count: int) -> Iterator[bytes]:
    """`count` messages; the same ones for the same seed."""
    rng = random.Random(seed)
    for _ in range(count):
        value = rng.choice(WHOLE) if rng.random() < 0.1 else _object(rng)
        yield _mutated(rng, value) if rng.random() < 0.3 else value
