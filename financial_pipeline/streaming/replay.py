"""The job without broker and Flink: the same messages give the same bars, alerts and dead letters.

Everything is recomputed from the first message on, in an order that more input only extends; so the
messages of an earlier replay are the beginning of those of the next one, and nothing repeats.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas import stream
from financial_pipeline.streaming.indicators import Session
from financial_pipeline.streaming.judgement import judge
from financial_pipeline.streaming.message_log import FileLog, Record
from financial_pipeline.streaming.messages import partition_of as partition_among

PARTITIONS: Final = 3
MICROSECONDS: Final = 1_000_000
Outputs = dict[str, list[dict[str, Any]]]


@dataclass
class Bar:
    """The order-free accumulator of one symbol and window."""

    first: dict[str, Any]
    last: dict[str, Any]
    high: Decimal
    low: Decimal
    volume: int = 0
    trades: int | None = 0
    notional: Decimal = Decimal(0)
    basis: str = "trades"
    source: str | None = None
    count: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Take one message in."""
        order = row["event_us"], row["sequence"]
        if order < (self.first["event_us"], self.first["sequence"]):
            self.first = row
        if order > (self.last["event_us"], self.last["sequence"]):
            self.last = row
        self.high, self.low = max(self.high, row["high"]), min(self.low, row["low"])
        self.volume += row["volume"]
        both = self.trades is not None and row["trades"] is not None
        self.trades = (self.trades or 0) + row["trades"] if both else None
        self.notional += row["notional"]
        self.basis = "close" if row["vwap_basis"] == "close" else self.basis
        self.source = min(filter(None, (self.source, row["source"])), default=None)
        self.count += 1

    def message(self, symbol: str, start: int, seconds: int) -> dict[str, Any]:
        """The bar in the form of its topic."""
        return {
            "schema_version": stream.SCHEMA_VERSION,
            "symbol": symbol,
            "session_date": self.first["session_date"],
            "window_start_us": start,
            "bar_seconds": seconds,
            "open": self.first["open"],
            "high": self.high,
            "low": self.low,
            "close": self.last["close"],
            "volume": self.volume,
            "trades": self.trades,
            "notional": self.notional,
            "vwap": float(self.notional) / self.volume if self.volume else None,
            "vwap_basis": self.basis,
            "message_count": self.count,
            "revision": 0,
            "source": self.source,
        }


@dataclass
class Replay:
    """One pass over the input; `outputs` maps each topic to its messages in order."""

    bar_seconds: int = 60
    bars: dict[tuple[int, str], Bar] = field(default_factory=dict)
    heartbeats: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    watermarks: dict[int, int] = field(default_factory=dict)
    outputs: Outputs = field(default_factory=lambda: defaultdict(list))

    def add(self, partition: int, offset: int, record_ms: int, value: bytes | None) -> None:
        """Judge one message and put it where it belongs."""
        verdict = judge(value, record_ms)
        row = verdict.fields
        origin = {
            "source_partition": partition,
            "source_offset": offset,
            "record_ms": record_ms,
        }
        if verdict.watermark_us is not None:
            mark = max(self.watermarks.get(partition, 0), verdict.watermark_us)
            self.watermarks[partition] = mark
        if verdict.reason:
            self.outputs[stream.DEAD_LETTER_TOPIC].append(_dead(verdict.reason, origin, value))
            return
        if verdict.is_late:
            self.outputs[stream.LATE_TOPIC].append(
                {"reason": stream.BEHIND_ITS_PRODUCER, **origin, **row}
            )
            return
        width = self.bar_seconds * MICROSECONDS
        start = row["event_us"] // 1000 * 1000 // width * width
        if verdict.is_heartbeat:
            self.heartbeats[start] += 1
            return
        new = Bar(row, row, row["high"], row["low"])
        self.bars.setdefault((start, row["symbol"]), new).add(row)

    def finish(self, partitions: Iterable[int]) -> Outputs:
        """Close every window that the watermark of all `partitions` has passed."""
        mark = min((self.watermarks.get(partition, 0) for partition in partitions), default=0)
        last = mark - self.bar_seconds * MICROSECONDS
        sessions: dict[tuple[str, date], Session] = defaultdict(Session)
        beats = [(start, stream.HEARTBEAT_SYMBOL) for start in self.heartbeats]
        for start, symbol in sorted(key for key in (*self.bars, *beats) if key[0] <= last):
            if symbol == stream.HEARTBEAT_SYMBOL:
                self.outputs[stream.BARS_TOPIC].append(self._heartbeat_of(start))
                continue
            bar = self.bars[start, symbol].message(symbol, start, self.bar_seconds)
            measured, alerts = sessions[symbol, bar["session_date"]].add(bar)
            self.outputs[stream.BARS_TOPIC].append(bar)
            self.outputs[stream.INDICATORS_TOPIC].append(measured)
            self.outputs[stream.ALERTS_TOPIC] += alerts
        return self.outputs

    def _heartbeat_of(self, start: int) -> dict[str, Any]:
        """The heartbeats of one window."""
        return {
            "schema_version": stream.SCHEMA_VERSION,
            "symbol": stream.HEARTBEAT_SYMBOL,
            "window_start_us": start,
            "bar_seconds": self.bar_seconds,
            "message_count": self.heartbeats[start],
            "revision": 0,
        }


def _dead(reason: str, origin: dict[str, int], value: bytes | None) -> dict[str, Any]:
    kept = None if value is None else base64.b64encode(value[: stream.MAX_MESSAGE_BYTES])
    return {
        "schema_version": stream.SCHEMA_VERSION,
        "reason": reason,
        **origin,
        "payload": kept.decode("ascii") if kept is not None else None,
        "payload_bytes": None if value is None else len(value),
    }


def encode(message: dict[str, Any]) -> bytes:
    """A message as its JSON bytes; decimals and dates as text."""
    return json.dumps(message, default=str, separators=(",", ":")).encode("utf-8")


def partition_of(symbol: str) -> int:
    """The partition that a symbol's messages go to."""
    return partition_among(symbol.encode("utf-8"), PARTITIONS)


def _record(message: dict[str, Any]) -> tuple[int, Record]:
    """The partition of an output message and its record."""
    key = message.get("symbol") or str(message.get("source_partition"))
    moment = message.get("record_ms") or message["window_start_us"] // 1000
    is_origin = "source_partition" in message
    partition = message["source_partition"] if is_origin else partition_of(key)
    return partition, (moment, key.encode("utf-8"), encode(message))


def run(log: FileLog, bar_seconds: int = 60) -> dict[str, int]:
    """Bring the output topics of the log up to its input; returns the messages added by topic.

    Raises PipelineError where the input before the last replay has changed.
    """
    replay = Replay(bar_seconds)
    ends = log.end_offsets([stream.RAW_TOPIC])[stream.RAW_TOPIC]
    whole = {partition: (0, end) for partition, end in ends.items()}
    for partition, offset, record_ms, _, value in log.read(stream.RAW_TOPIC, whole).iter_rows():
        replay.add(partition, offset, record_ms, value)
    outputs = replay.finish(range(PARTITIONS))
    return {topic: _append(log, topic, messages) for topic, messages in outputs.items()}


def _append(log: FileLog, topic: str, messages: list[dict[str, Any]]) -> int:
    by_partition: dict[int, list[Record]] = defaultdict(list)
    for message in messages:
        partition, record = _record(message)
        by_partition[partition].append(record)
    added, ends = 0, log.end_offsets([topic])[topic]
    for partition, records in by_partition.items():
        known = ends.get(partition, 0)
        held = log.read(topic, {partition: (known - 1, known)}) if known else None
        is_other = known > len(records) or (
            held is not None and records[known - 1][2] != held["value"][0]
        )
        if is_other:
            raise PipelineError(
                f"The replay's input in {topic} changed behind what was already replayed; use"
                " another --data-root."
            )
        log.append(topic, partition, records[known:])
        added += len(records) - known
    return added
