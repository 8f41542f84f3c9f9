"""A paced feed of the raw topic with known faults, what must come of it, and what came."""

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from financial_pipeline.schemas.stream import HEARTBEAT_SYMBOL, RAW_TOPIC, WATERMARK_DELAY_US

PARTITIONS = 3
SYMBOLS = [f"S{number:02d}" for number in range(30)]
START_US = 1_570_023_000_000_000
STEP_US = 2_000
SECOND_US = 1_000_000
EVERY_DEAD, EVERY_LATE, EVERY_HEARTBEAT = 1_000, 1_500, 500
DEAD = (b"not json", b"[]", b"\xff\xfe", b'{"schema_version":1}', b"")
Message = tuple[int, bytes, bytes, int]


class Paced(Protocol):
    """Messages to send, and how many they are, by which they are spread over time."""

    @property
    def count(self) -> int: ...

    def __iter__(self) -> Iterator[Message]: ...


@dataclass
class Feed:
    """`count` messages, `bar_seconds` wide bars: iterate to get (partition, key, value, ms)."""

    count: int
    bar_seconds: int
    bars: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    dead: int = 0
    late: int = 0
    # Those of windows that close.
    heartbeats: int = 0

    def __iter__(self) -> Iterator[Message]:
        for number in range(self.count):
            event = START_US + number * STEP_US
            if number % EVERY_DEAD == 7:
                self.dead += 1
                yield (
                    number % PARTITIONS,
                    b"X",
                    DEAD[number // EVERY_DEAD % len(DEAD)],
                    event // 1000,
                )
            elif number % EVERY_LATE == 11 and number > 10 * EVERY_LATE:
                self.late += 1
                yield self._tick(number, event - 20 * SECOND_US, event)
            else:
                self._expect(number, event)
                yield self._tick(number, event, event)
            if number % EVERY_HEARTBEAT == 0:
                yield from self._beats(event)
        counted = self.heartbeats
        yield from self._beats(START_US + self.count * STEP_US + 600 * SECOND_US)
        # The last ones close every window but their own, for nothing comes after them.
        self.heartbeats = counted

    def _beats(self, event: int) -> Iterator[Message]:
        for partition in range(PARTITIONS):
            self.heartbeats += 1
            content = {"symbol": HEARTBEAT_SYMBOL, "sequence": self.heartbeats}
            yield (
                partition,
                HEARTBEAT_SYMBOL.encode(),
                _encoded(event, event, content),
                event // 1000,
            )

    def _tick(self, number: int, event: int, newest: int) -> Message:
        place = number % len(SYMBOLS)
        price = f"{100 + number % 97}.25"
        content = {"symbol": SYMBOLS[place], "sequence": number} | {
            **dict.fromkeys(("open", "high", "low", "close"), price),
            "volume": number % 13 + 1,
            "trades": 1,
            "notional": "1.0000",
            "vwap_basis": "trades",
            "session_date": "2019-10-02",
            "source": "test",
        }
        value = _encoded(event, newest, content)
        return place % PARTITIONS, SYMBOLS[place].encode(), value, newest // 1000

    def _expect(self, number: int, event: int) -> None:
        width = self.bar_seconds * SECOND_US
        price = 100 + number % 97 + 0.25
        key = (SYMBOLS[number % len(SYMBOLS)], event // width * width)
        # Highest, lowest, shares, messages.
        bar = self.bars.setdefault(key, [price, price, 0, 0])
        self.bars[key] = [
            max(bar[0], price),
            min(bar[1], price),
            bar[2] + number % 13 + 1,
            bar[3] + 1,
        ]


def _encoded(event: int, newest: int, content: dict[str, Any]) -> bytes:
    times = {"schema_version": 1, "event_us": event, "watermark_us": newest - WATERMARK_DELAY_US}
    return json.dumps(times | content, separators=(",", ":")).encode()


def send(feed: Paced, client: dict[str, Any], seconds: float, topic: str = RAW_TOPIC) -> None:
    """Send the whole feed, evenly over `seconds`; fails unless every message was acknowledged."""
    producer = Producer(client | {"enable.idempotence": True, "linger.ms": 20, "log_level": 0})
    failures: list[object] = []
    pause, every = threading.Event(), 250
    for number, (partition, key, value, at) in enumerate(feed):
        producer.produce(
            topic,
            value or None,
            key,
            partition,
            timestamp=at,
            on_delivery=lambda error, _message: failures.append(error) if error else None,
        )
        producer.poll(0)
        if number % every == 0:
            pause.wait(seconds * every / feed.count)
    assert producer.flush(120) == 0
    assert failures == []


def read_all(client: dict[str, Any], topic: str, isolation: str = "read_committed") -> list[bytes]:
    """Values of everything that is on a topic now."""
    options = {"group.id": "test", "isolation.level": isolation, "enable.auto.commit": False}
    consumer = Consumer(client | options | {"enable.partition.eof": True, "log_level": 0})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in partitions])
    values, ended = [], set()
    while len(ended) < len(partitions):
        message = consumer.poll(30.0)
        assert message is not None, f"no answer while reading {topic}"
        if message.error():
            ended.add(message.partition())
        else:
            values.append(message.value())
    consumer.close()
    return values


Bars = dict[tuple[str, int], list[float]]
# What `Feed.bars` says of a bar.
MEASURES = ("high", "low", "volume", "message_count")


def bars_of(values: Iterable[bytes]) -> tuple[Bars, int]:
    """Messages of the bars topic in the form of `Feed.bars`, and the heartbeats that were counted.

    Fails where one key has two different bars.
    """
    bars: Bars = {}
    beats: Counter[int] = Counter()
    for row in map(json.loads, values):
        if row["symbol"] == HEARTBEAT_SYMBOL:
            beats[row["window_start_us"]] = row["message_count"]
            continue
        key = (row["symbol"], row["window_start_us"])
        bar = [row[name] for name in MEASURES]
        assert bars.setdefault(key, bar) == bar, key
    return bars, sum(beats.values())


def bars_on(client: dict[str, Any], topic: str) -> tuple[Bars, int]:
    """See `bars_of`, for what is on a topic now."""
    return bars_of(read_all(client, topic))


def landed_bars(rows: pl.DataFrame) -> Bars:
    """Rows of the bars table in the form of `Feed.bars`."""
    columns = rows.select("symbol", "window_start_us", *MEASURES).rows()
    return {(row[0], row[1]): [float(value) for value in row[2:]] for row in columns}
