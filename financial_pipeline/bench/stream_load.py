"""The load of `bench stream`: seeded trades of many symbols, some late and some unreadable."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from financial_pipeline.schemas.market_event import MarketEvent
from financial_pipeline.streaming.clients import Sink

SYMBOLS: Final = tuple(f"S{number:03d}" for number in range(100))
# 2019-03-19, 09:30 in New York.
OPENING_US: Final = 1_553_002_200_000_000
MINUTE_US: Final = 60_000_000
SESSION_DATE: Final = "2019-03-19"
# One in this many trades is late (by more than the delay); one in this many has a negative price.
LATE_EVERY, DEAD_EVERY = 500, 5_000
LATE_US: Final = 20_000_000
SEED: Final = 20_190_319
# Prices walk on this many precomputed texts.
PRICES: Final = 4_096


def trades(per_minute: int) -> Iterator[MarketEvent]:
    """Trades for ever, so many to a minute of event time, in the order of their arrival."""
    rng = random.Random(SEED)
    price, texts = 100.0, []
    for _ in range(PRICES):
        price *= 1 + rng.gauss(0, 0.0005)
        texts.append((f"{price:.4f}", f"{price * 100:.4f}"))
    step, number = MINUTE_US / per_minute, 0
    while True:
        for symbol in SYMBOLS:
            number += 1
            event_us = OPENING_US + int(number * step)
            text, notional = texts[(number * 7 + number // 100) % PRICES]
            if number % LATE_EVERY == 0:
                event_us -= LATE_US
            if number % DEAD_EVERY == 0:
                text = "-1.0000"
            yield MarketEvent(
                event_us,
                symbol,
                number,
                text,
                text,
                text,
                text,
                100,
                1,
                notional,
                "trades",
                SESSION_DATE,
                "simulated",
                event_us,
            )


@dataclass
class Gate:
    """Lets trades through for some seconds: at a rate, and while `is_open` returns true."""

    seconds: float
    rate: float | None = None
    is_open: bool = True
    sent: int = 0
    # Seconds spent waiting for the reader of the topic.
    waited: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def through(self, events: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
        """The trades that are let through."""
        self.started = time.monotonic()
        for event in events:
            if self.sent % 256 == 0 and not self._wait():
                return
            self.sent += 1
            yield event

    def _wait(self) -> bool:
        """Until the next trade may go; False if the time is over."""
        while (now := time.monotonic()) - self.started < self.seconds:
            due = self.started + (self.sent / self.rate if self.rate else 0)
            if self.is_open and now >= due:
                return True
            pause = 0.01 if not self.is_open else min(due - now, 0.05)
            self.waited += 0 if self.is_open else pause
            time.sleep(pause)
        return False


@dataclass
class Watched:
    """A sink that notes when each window's end was passed in every partition."""

    sink: Sink
    # End of a window, microseconds -> when the watermark passed it, on the machine's clock.
    closed: dict[int, float] = field(default_factory=dict)
    _marks: dict[int, int] = field(default_factory=dict)
    _passed: int = OPENING_US

    @property
    def partitions(self) -> int:
        """See `Sink`."""
        return self.sink.partitions

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        """See `Sink`; the watermark stands in a fixed place of the canonical bytes."""
        self.sink.send(partition, record_ms, key, value)
        mark = int((value or b"")[63:79])
        if mark >= self._passed + MINUTE_US and mark > self._marks.get(partition, 0):
            self._marks[partition] = mark
            if len(self._marks) == self.partitions:
                lowest = min(self._marks.values())
                while lowest >= self._passed + MINUTE_US:
                    self._passed += MINUTE_US
                    self.closed[self._passed] = time.time()

    def flush(self) -> None:
        """See `Sink`."""
        self.sink.flush()
