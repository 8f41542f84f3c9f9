"""The producer: events in the order in which they become known, onto a sink, at a speed.

Each message carries the producer's own watermark: its highest event time so far, heartbeats
included, less the delay. That alone decides what is late. The record timestamp is the replay's
clock. Heartbeats go to every partition: at least once a second while a paced replay or a live
source lasts, once a minute of event time in an unpaced replay, so that the same events always give
the same messages.
"""

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.market_event import MarketEvent
from financial_pipeline.schemas.stream import HEARTBEAT_SYMBOL, WATERMARK_DELAY_US
from financial_pipeline.streaming.clients import Sink
from financial_pipeline.streaming.messages import encode, encode_heartbeat, partition_of

HEARTBEAT_SECONDS: Final = 0.9
MICROSECONDS: Final = 1_000_000
# Event time between heartbeats of an unpaced replay.
HEARTBEAT_EVENT_US: Final = 60 * MICROSECONDS


@dataclass
class Held:
    """The content of a topic, so that a producer resumes after a killed one.

    Each partition holds the beginning of what the killed one would have sent there, so no message
    of a partition need carry less than the highest watermark in it.
    """

    events: set[tuple[str, int]] = field(default_factory=set)
    # Highest watermark by partition, microseconds.
    watermarks: dict[int, int] = field(default_factory=dict)
    heartbeats: int = 0


@dataclass
class Producer:
    """Sends events and heartbeats to a sink.

    `speed` is event seconds per second, None for no pacing. `held` is not sent again.
    """

    sink: Sink
    speed: float | None = None
    held: Held = field(default_factory=Held)
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sent: int = 0
    # Events that were held.
    skipped: int = 0
    # Sent messages that are behind their own watermark.
    late: int = 0
    _highest_us: int = 0
    _clock_us: int = 0
    # Distance from an event's time to its being known: 0 for trades, the width for bars.
    _lag_us: int = 0
    _heartbeats: int = 0
    _partitions: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    _heartbeat_at: float = 0.0
    _heartbeat_us: int = 0
    _started: tuple[float, int] | None = None

    def __post_init__(self) -> None:
        self._heartbeats = self.held.heartbeats

    def run(self, events: Iterable[MarketEvent]) -> None:
        """Send all events that are not held, at the speed."""
        self._heartbeat_at = self.now()
        for event in events:
            if (event.symbol, event.sequence) in self.held.events:
                self._keep_event_time(is_sent=False)
                self._move_to(event)
                self.skipped += 1
                continue
            if self.speed is not None:
                self._wait_for(event.known_us, self.speed)
            self._keep_time()
            self._move_to(event)
            self._send(event)
        self.sink.flush()

    def _move_to(self, event: MarketEvent) -> None:
        self._highest_us = max(self._highest_us, event.event_us)
        self._clock_us = max(self._clock_us, event.known_us, self._highest_us)
        self._lag_us = max(0, event.known_us - event.event_us)

    def _send(self, event: MarketEvent) -> None:
        key, partition = self._place(event.symbol)
        watermark = self._watermark(partition)
        self.late += event.event_us < watermark
        self.sink.send(partition, self._clock_us // 1000, key, encode(event, watermark))
        self.sent += 1

    def _watermark(self, partition: int) -> int:
        return max(self._highest_us - WATERMARK_DELAY_US, self.held.watermarks.get(partition, 0))

    def _place(self, symbol: str) -> tuple[bytes, int]:
        if symbol not in self._partitions:
            key = symbol.encode()
            self._partitions[symbol] = key, partition_of(key, self.sink.partitions)
        return self._partitions[symbol]

    def _wait_for(self, known_us: int, speed: float) -> None:
        """Until the replay's clock reaches an instant; heartbeats go on meanwhile."""
        if self._started is None:
            self._started = self.now(), known_us
        since, origin = self._started
        due = since + (known_us - origin) / MICROSECONDS / speed
        while (left := due - self.now()) > 0:
            self.sleep(min(left, HEARTBEAT_SECONDS / 2))
            clock = origin + int((self.now() - since) * speed * MICROSECONDS)
            self._clock_us = max(self._clock_us, min(clock, known_us))
            self._keep_time()

    def _keep_event_time(self, *, is_sent: bool = True) -> None:
        """The heartbeats of a replay that waits for nothing; `is_sent`: or a killed one sent it."""
        if not self._heartbeat_us:
            self._heartbeat_us = self._clock_us
        elif self._clock_us >= self._heartbeat_us + HEARTBEAT_EVENT_US:
            self._heartbeat_us = self._clock_us
            self._move_clock(self._clock_us - self._lag_us)
            if is_sent:
                self._send_heartbeats()

    def _keep_time(self) -> None:
        if self.speed is None:
            self._keep_event_time()
            return
        now = self.now()
        if now - self._heartbeat_at >= HEARTBEAT_SECONDS:
            self._heartbeat_at = now
            self.heartbeat(self._clock_us - self._lag_us)

    def heartbeat(self, event_us: int) -> None:
        """One heartbeat to every partition, at this event time or the highest so far."""
        self._move_clock(event_us)
        self._send_heartbeats()

    def _move_clock(self, event_us: int) -> None:
        self._highest_us = max(self._highest_us, event_us)
        self._clock_us = max(self._clock_us, self._highest_us)

    def _send_heartbeats(self) -> None:
        for partition in range(self.sink.partitions):
            self._heartbeats += 1
            watermark = self._watermark(partition)
            value = encode_heartbeat(self._highest_us, watermark, self._heartbeats)
            self.sink.send(partition, self._clock_us // 1000, HEARTBEAT_SYMBOL.encode(), value)

    def close_windows(self, bar_seconds: int) -> None:
        """A last heartbeat that closes the window of the last event; nothing may follow in it.

        Where every partition is past that window already, none is sent.
        """
        width = bar_seconds * MICROSECONDS
        end = (self._highest_us // width + 1) * width
        carried = self.held.watermarks
        if self.sent or any(carried.get(each, 0) < end for each in range(self.sink.partitions)):
            self.heartbeat(end + WATERMARK_DELAY_US)
            self.sink.flush()


def produce(
    events: Iterable[MarketEvent],
    sink: Sink,
    held: Held,
    bar_seconds: int,
    speed: float | None = None,
) -> Producer:
    """Send all events that are not held and close their windows; the producer has the counts."""
    producer = Producer(sink, speed, held)
    producer.run(events)
    producer.close_windows(bar_seconds)
    return producer


def merge_bars(files: Sequence[list[MarketEvent]]) -> Iterable[MarketEvent]:
    """The bars of several files in the order in which they become known.

    Raises `PipelineError` where widths differ: a wide bar is known only long after its start, when
    narrow ones have moved the watermark past it.
    """
    widths = {bars[0].known_us - bars[0].event_us for bars in files}
    if len(widths) > 1:
        seconds = ", ".join(str(width // MICROSECONDS) for width in sorted(widths))
        raise PipelineError(
            f"The files hold bars of different widths ({seconds} seconds): produce one width only, "
            "or the wide bars come late."
        )
    return heapq.merge(*files, key=lambda bar: (bar.known_us, bar.symbol, bar.sequence))
