"""The producer on a sink in memory: watermarks, heartbeats, keys, pace, and resuming."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.market_event import MarketEvent
from financial_pipeline.schemas.stream import HEARTBEAT_SYMBOL, WATERMARK_DELAY_US
from financial_pipeline.streaming.judgement import judge
from financial_pipeline.streaming.messages import decode, partition_of
from financial_pipeline.streaming.producing import Held, Producer, merge_bars
from financial_pipeline_tests.streaming.clock import Clock

START_US = 1_553_002_200_000_000
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


@dataclass
class Memory:
    partitions: int = 3
    sent: list[tuple[int, int, bytes, dict[str, Any]]] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    flushes: int = 0

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        assert key is not None
        assert value is not None
        self.sent.append((partition, record_ms, key, decode(value)))
        self.values.append(value)

    def flush(self) -> None:
        self.flushes += 1

    def events(self) -> list[dict[str, Any]]:
        return [value for _, _, key, value in self.sent if key != HEARTBEAT_SYMBOL.encode()]

    def heartbeats(self) -> list[tuple[int, dict[str, Any]]]:
        return [(part, v) for part, _, key, v in self.sent if key == HEARTBEAT_SYMBOL.encode()]


def trade(symbol: str, second: int, known: int | None = None) -> MarketEvent:
    """A trade so many seconds after the start, known then or at another second."""
    event_us = START_US + second * SECOND_US
    return MarketEvent(
        event_us,
        symbol,
        second,
        "10.0000",
        "10.0000",
        "10.0000",
        "10.0000",
        5,
        1,
        "50.0000",
        "trades",
        "2019-03-19",
        'a "quoted" name',
        START_US + (second if known is None else known) * SECOND_US,
    )


def test_a_message_carries_the_highest_event_time_less_the_delay() -> None:
    sink = Memory()
    producer = Producer(sink)
    producer.run([trade("JPM", 0), trade("BAC", 60), trade("JPM", 50, known=61), trade("C", 62)])
    ahead = [value["watermark_us"] + WATERMARK_DELAY_US - START_US for value in sink.events()]
    assert ahead == [0, 60 * SECOND_US, 60 * SECOND_US, 62 * SECOND_US]
    assert (producer.sent, producer.late, sink.flushes) == (4, 1, 1)


def test_key_and_partition_are_those_of_the_symbol_and_the_record_is_never_behind() -> None:
    sink = Memory()
    Producer(sink).run([trade("JPM", 0), trade("BAC", 60, known=70), trade("JPM", 50, known=71)])
    for partition, record_ms, key, value in sink.sent:
        assert key == value["symbol"].encode()
        if value["symbol"] != HEARTBEAT_SYMBOL:
            assert partition == partition_of(key, 3)
        assert record_ms * 1000 >= value["event_us"]
    assert [record for _, record, _, _ in sink.sent] == sorted(
        record for _, record, _, _ in sink.sent
    )


def test_every_message_passes_the_contract() -> None:
    sink = Memory()
    producer = Producer(sink)
    producer.run([trade("JPM", 0), trade("BAC", 1)])
    producer.close_windows(60)
    records = zip(sink.values, (record for _, record, _, _ in sink.sent), strict=True)
    assert {judge(value, record_ms).reason for value, record_ms in records} == {None}


def test_at_a_speed_it_waits_and_every_partition_hears_of_the_time() -> None:
    sink, clock = Memory(), Clock()
    producer = Producer(sink, speed=10, now=clock.now, sleep=clock.sleep)
    producer.run([trade("JPM", 0), trade("JPM", 100)])
    assert clock.time == pytest.approx(110, abs=0.01)
    by_partition = [[v["watermark_us"] for p, v in sink.heartbeats() if p == n] for n in range(3)]
    assert by_partition[0] == by_partition[1] == by_partition[2]
    assert len(by_partition[0]) >= 10
    assert by_partition[0] == sorted(by_partition[0])
    sequences = [value["sequence"] for _, value in sink.heartbeats()]
    assert sequences == list(range(1, len(sequences) + 1))


def test_without_a_pace_the_same_events_give_the_same_messages_whenever_they_are_sent() -> None:
    events = [trade("JPM", second) for second in range(0, 600, 7)]
    whole, slow = Memory(), Clock()
    Producer(whole, now=slow.now).run(slow.sleep(1) or event for event in events)
    again = Memory()
    Producer(again).run(events)
    assert again.sent == whole.sent
    assert len(again.heartbeats()) == 3 * 9
    resumed, held = (
        Memory(),
        Held({("JPM", event.sequence) for event in events[:40]}, heartbeats=12),
    )
    Producer(resumed, held=held).run(events)
    assert resumed.events() == again.events()[40:]


def test_the_last_heartbeat_closes_the_last_window_in_every_partition() -> None:
    sink = Memory()
    producer = Producer(sink)
    producer.run([trade("JPM", 30)])
    producer.close_windows(60)
    last = [(partition, value["watermark_us"]) for partition, value in sink.heartbeats()[-3:]]
    end = (START_US + 30 * SECOND_US) // MINUTE_US * MINUTE_US + MINUTE_US
    assert last == [(0, end), (1, end), (2, end)]


def test_what_the_topic_holds_is_not_sent_again_and_no_partition_goes_back_in_time() -> None:
    events = [trade("JPM", second) for second in range(3)] + [trade("BAC", 3), trade("JPM", 4)]
    jpm = partition_of(b"JPM", 3)
    carried = START_US + SECOND_US
    held = Held({("JPM", 0), ("JPM", 1)}, {jpm: carried}, heartbeats=6)
    sink = Memory()
    producer = Producer(sink, held=held)
    producer.run(events)
    producer.close_windows(60)
    assert [(value["symbol"], value["sequence"]) for value in sink.events()] == [
        ("JPM", 2),
        ("BAC", 3),
        ("JPM", 4),
    ]
    marks = [value["watermark_us"] for partition, *_, value in sink.sent if partition == jpm]
    assert min(marks) >= carried
    assert producer.late == 0
    assert [value["sequence"] for _, value in sink.heartbeats()] == [7, 8, 9]


def test_files_are_merged_by_when_bars_are_known_and_one_width_only() -> None:
    bac = [trade("BAC", 0, 60), trade("BAC", 60, 120)]
    jpm = [trade("JPM", 0, 60), trade("JPM", 60, 120)]
    assert [(bar.symbol, bar.sequence) for bar in merge_bars([jpm, bac])] == [
        ("BAC", 0),
        ("JPM", 0),
        ("BAC", 60),
        ("JPM", 60),
    ]
    with pytest.raises(PipelineError, match=r"different widths \(60, 300 seconds\)"):
        merge_bars([bac, [trade("C", 0, 300)]])
