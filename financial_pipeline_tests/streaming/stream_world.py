"""A seeded stream with everything in it that a contract must sort out, and its log."""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from financial_pipeline.paths import Paths
from financial_pipeline.schemas import stream
from financial_pipeline.streaming import replay
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog, Record
from financial_pipeline.streaming.replay import PARTITIONS, encode, partition_of

# 2019-03-19 and 2019-03-20, 09:30 in New York.
OPENINGS_US = (1_553_002_200_000_000, 1_553_088_600_000_000)
DAYS = ("2019-03-19", "2019-03-20")
SYMBOLS = ("JPM", "BAC", "C")
MINUTE_US = 60_000_000
# Steps of three seconds after which prices jump: more than an hour.
FIRST_JUMP = 1_250
# One that is worth a warning, and a critical one.
JUMPS = (0.005, 0.02)
Sent = tuple[int, Record]


def trade(symbol: str, sequence: int, event_us: int, **changes: Any) -> dict[str, Any]:
    """One trade at 100 dollars, with these fields changed."""
    price = changes.pop("price", "100.0000")
    volume = changes.get("volume", 100)
    day = DAYS[0] if event_us < OPENINGS_US[1] - 8 * 3_600_000_000 else DAYS[1]
    return {
        "schema_version": 1,
        "event_us": event_us,
        "watermark_us": event_us - stream.WATERMARK_DELAY_US,
        "symbol": symbol,
        "sequence": sequence,
        "open": price,
        "high": price,
        "low": price,
        "close": price,
        "volume": volume,
        "trades": 1,
        "notional": str(Decimal(price) * max(volume, 0)),
        "vwap_basis": "trades",
        "session_date": day,
        "source": "simulated",
        **changes,
    }


def heartbeats(event_us: int, sequence: int) -> list[Sent]:
    """One heartbeat to every partition."""
    message = {
        "schema_version": 1,
        "event_us": event_us,
        "watermark_us": event_us - stream.WATERMARK_DELAY_US,
        "symbol": stream.HEARTBEAT_SYMBOL,
        "sequence": sequence,
    }
    record = (event_us // 1000, b"heartbeat", encode(message))
    return [(partition, record) for partition in range(PARTITIONS)]


def sent(message: dict[str, Any], record_us: int) -> Sent:
    """A message as its partition and record."""
    key = str(message["symbol"])
    return partition_of(key), (record_us // 1000, key.encode(), encode(message))


def broken(now: int) -> list[tuple[str, bytes | None]]:
    """One message for each way to be dead, with the reason that it must get."""
    good = trade("JPM", 1, now)
    bad: list[tuple[str, dict[str, Any]]] = [
        ("wrong_version", {"schema_version": 2}),
        ("wrong_version", {"schema_version": None}),
        ("bad_symbol", {"symbol": ""}),
        ("bad_symbol", {"symbol": "ABCDEFGHIJKLMNOPQ"}),
        ("bad_symbol", {"symbol": "jpm"}),
        ("bad_time", {"event_us": "soon"}),
        ("bad_time", {"sequence": -1}),
        ("bad_time", {"event_us": 1.5}),
        ("from_the_future", {"event_us": now + 3_600_000_000}),
        ("from_the_future", {"watermark_us": now + 3_600_000_000}),
        ("bad_price", {"open": "-1.0000"}),
        ("bad_price", {"close": "NaN"}),
        ("bad_price", {"low": None}),
        ("bad_price", {"high": {"value": 1}}),
        ("bad_quantity", {"volume": -5}),
        ("bad_quantity", {"volume": "many"}),
        ("bad_quantity", {"trades": -1}),
        ("bad_quantity", {"vwap_basis": "guess"}),
        ("no_session", {"session_date": None}),
    ]
    texts: list[tuple[str, bytes | None]] = [
        ("null_value", None),
        ("oversize", b" " * 1_000_000),
        ("not_a_json_object", b"[]"),
        ("not_a_json_object", b'{"schema_version":1,'),
        ("not_a_json_object", b"\xff\xfe"),
        ("not_a_json_object", b"17"),
    ]
    return texts + [(reason, encode(good | change)) for reason, change in bad]


def session(opening: int, minutes: int, seed: int, *, faults: bool = True) -> list[Sent]:
    """Trades, late ones and dead letters of one session, with heartbeats every second or so."""
    rng = random.Random(seed)
    prices, sequences = dict.fromkeys(SYMBOLS, 100.0), defaultdict[str, int](lambda: seed * 100_000)
    messages: list[Sent] = []
    high = opening
    for step in range(minutes * 20):
        moment = opening + step * 3_000_000 + rng.randrange(2_000_000)
        if faults and rng.random() < 0.02:
            moment -= rng.randrange(30_000_000)
        high = max(high, moment)
        symbol = rng.choice(SYMBOLS)
        # Some jumps once there are enough bars for a score.
        jump = JUMPS[step // 150 % 2] if step % 150 == 149 and step > FIRST_JUMP else 0.0
        prices[symbol] *= 1 + rng.gauss(jump, 0.0004)
        sequences[symbol] += 1
        message = trade(
            symbol, sequences[symbol], moment, price=f"{prices[symbol]:.4f}",
            volume=rng.randrange(1, 900), watermark_us=high - stream.WATERMARK_DELAY_US,
        )  # fmt: skip
        messages += [sent(message, high), *heartbeats(high, step)]
    if faults:
        middle = len(messages) // 2
        now = opening + minutes * MINUTE_US // 4
        messages[middle:middle] = [
            (number % PARTITIONS, (now // 1000, b"JPM", text))
            for number, (_, text) in enumerate(broken(now))
        ]
    return [*messages, *heartbeats(high + 2 * MINUTE_US, minutes * 20)]


def write(log: FileLog, messages: Sequence[Sent]) -> FileLog:
    """Append messages to the raw topic of a log, in order."""
    by_partition: dict[int, list[Record]] = defaultdict(list)
    for partition, record in messages:
        by_partition[partition].append(record)
    for partition, records in sorted(by_partition.items()):
        log.append(stream.RAW_TOPIC, partition, records)
    return log


def whole_topic(log: FileLog, topic: str) -> list[dict[str, Any]]:
    """All messages of a topic."""
    ends = log.end_offsets([topic])[topic]
    frame = log.read(topic, {partition: (0, end) for partition, end in ends.items()})
    return [json.loads(value) for value in frame["value"]]


def two_sessions(folder: Path) -> FileLog:
    """The log of two sessions of 90 minutes, faults included."""
    log = FileLog(folder)
    for number, opening in enumerate(OPENINGS_US):
        write(log, session(opening, 90, seed=number + 1))
    return log


def replayed_landing(folder: Path) -> Landing:
    """The landing of one replayed session with faults; nothing has landed yet."""
    log = FileLog(folder / "log")
    write(log, session(OPENINGS_US[0], 20, seed=1))
    replay.run(log)
    return Landing(Paths(folder / "root"), log)
