"""A producer whose messages are sound, repeated, reordered, late, broken or ahead of the broker."""

import random

from financial_pipeline.schemas import stream
from financial_pipeline.streaming.replay import encode, partition_of
from financial_pipeline_tests.streaming import stream_world
from financial_pipeline_tests.streaming.history_model import WIDTH_US, Model, Sent
from financial_pipeline_tests.streaming.simulated_log import PARTS, SimulatedLog
from financial_pipeline_tests.streaming.stream_world import OPENINGS_US, SYMBOLS

SECOND_US = 1_000_000
KINDS = {"trade": 12, "beat": 4, "repeat": 1, "hold": 1, "behind": 1, "broken": 2, "gap": 1}
# All windows of messages before are closed by heartbeats so much later.
REST_US = 10 * WIDTH_US


class Producer:
    """Sends messages to the raw topic, by a clock of its own."""

    def __init__(self, rng: random.Random, log: SimulatedLog, model: Model) -> None:
        self.rng, self.log, self.model = rng, log, model
        self.topic = log.topics[stream.RAW_TOPIC]
        self.now_us = self.high_us = OPENINGS_US[0] + rng.randint(5, 20) * WIDTH_US
        self.record_skew_us, self.sequence = 0, 0
        self.trades: list[Sent] = []
        # Messages that are under way for longer than others.
        self.held: list[Sent] = []

    def produce(self) -> None:
        """Send a few messages."""
        for kind in self.rng.choices(list(KINDS), list(KINDS.values()), k=self.rng.randint(2, 8)):
            self.now_us += self.rng.choice((1, 5, 20, 70)) * SECOND_US
            getattr(self, f"_{kind}")()
        if self.rng.random() < 0.1:
            self.now_us = max(self.now_us, OPENINGS_US[1])
        if self.held and self.rng.random() < 0.5:
            self._send(self.held.pop())

    def come_to_rest(self) -> None:
        """Send what is under way, and heartbeats that close every window."""
        self.record_skew_us = 0
        while self.held:
            self._send(self.held.pop())
        # The second one closes the window of the first, which is after all others.
        for _ in range(2):
            self.now_us += REST_US
            self._beat()

    @property
    def _is_ordered(self) -> bool:
        """Only the job on Kafka meets messages out of order: the replay has one producer."""
        return self.log.engine == "replay"

    def _made(self, event_us: int) -> Sent:
        self.high_us, self.sequence = max(self.high_us, event_us), self.sequence + 1
        fields = stream_world.trade(
            self.rng.choice(SYMBOLS),
            self.sequence,
            event_us,
            price=f"{self.rng.randint(900_000, 1_100_000) / 10_000:.4f}",
            volume=self.rng.randint(1, 900),
            watermark_us=self.high_us - stream.WATERMARK_DELAY_US,
        )
        return Sent(fields, encode(fields))

    def _trade(self) -> None:
        message = self._made(self.now_us)
        self.trades.append(message)
        self._send(message)

    def _hold(self) -> None:
        message = self._made(self.now_us)
        self._send(message) if self._is_ordered else self.held.append(message)

    def _behind(self) -> None:
        self._send(self._made(self.now_us - self.rng.randint(6, 200) * SECOND_US))

    def _repeat(self) -> None:
        # A window that the replay has closed cannot be opened again.
        old = [each for each in self.trades if not self._is_ordered or self._is_open(each)]
        if old:
            self._send(self.rng.choice(old))

    def _is_open(self, message: Sent) -> bool:
        window = message.fields["event_us"] // WIDTH_US * WIDTH_US
        return bool(window + WIDTH_US > self.high_us - stream.WATERMARK_DELAY_US)

    def _broken(self) -> None:
        kinds = [pair for pair in stream_world.broken(self.now_us) if pair[0] != stream.OVERSIZE]
        reason, value = self.rng.choice(kinds)
        self.high_us = max(self.high_us, self.now_us)
        fields = {"event_us": self.now_us, "watermark_us": self.now_us, "symbol": "JPM"}
        if reason == stream.FROM_THE_FUTURE:
            fields["event_us"] += 3600 * SECOND_US
        self._send(Sent(fields, value, reason), self.rng.choice(PARTS))

    def _beat(self) -> None:
        self.high_us = max(self.high_us, self.now_us)
        self.sequence += 1
        for part, (_, _, value) in stream_world.heartbeats(self.high_us, self.sequence):
            mark = self.high_us - stream.WATERMARK_DELAY_US
            fields = {"event_us": self.high_us, "watermark_us": mark}
            self._send(Sent(fields | {"symbol": stream.HEARTBEAT_SYMBOL}, value), part)

    def _gap(self) -> None:
        if not self._is_ordered:
            self.topic.records[self.rng.choice(PARTS)].append(None)

    def _send(self, message: Sent, partition: int | None = None) -> None:
        key = str(message.fields["symbol"])
        part = partition_of(key) if partition is None else partition
        record = ((self.now_us + self.record_skew_us) // 1000, key.encode(), message.value)
        self.model.note((part, len(self.topic.records[part])), message, record)
        self.topic.records[part].append(record)
