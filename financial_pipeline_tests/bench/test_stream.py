"""The benchmark of the stream: its load and clocks in small, its short form on a cluster."""

import json
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from financial_pipeline.bench.stream import stream
from financial_pipeline.bench.stream_latency import percentiles
from financial_pipeline.bench.stream_load import (
    DEAD_EVERY,
    LATE_EVERY,
    MINUTE_US,
    OPENING_US,
    SYMBOLS,
    Gate,
    Watched,
    trades,
)
from financial_pipeline.bench.stream_throughput import PER_MINUTE
from financial_pipeline.streaming.judgement import judge
from financial_pipeline.streaming.producing import Producer


class Memory:
    partitions = 3

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes | None]] = []

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        self.records.append((record_ms, value))

    def flush(self) -> None:
        pass


def test_the_load_holds_late_and_dead_messages_in_known_shares() -> None:
    sink, count = Memory(), 2 * DEAD_EVERY
    producer = Producer(sink)
    producer.run(islice(trades(1_000), count))
    verdicts = [judge(value, record_ms) for record_ms, value in sink.records]
    dead = [verdict.reason for verdict in verdicts if verdict.reason]
    assert dead == ["bad_price"] * 2
    assert sum(verdict.is_late for verdict in verdicts) == count // LATE_EVERY - 2
    symbols = {verdict.fields["symbol"] for verdict in verdicts if not verdict.is_heartbeat}
    assert symbols == set(SYMBOLS)
    first = next(iter(trades(1_000)))
    assert first.event_us == OPENING_US + MINUTE_US // 1_000


def test_a_window_is_closed_when_every_partition_has_passed_its_end() -> None:
    watched = Watched(Memory())
    producer = Producer(watched)
    producer.run(islice(trades(1_000), 3_500))
    assert list(watched.closed) == [OPENING_US + MINUTE_US * minute for minute in (1, 2, 3)]
    producer.close_windows(60)
    assert list(watched.closed)[-1] == OPENING_US + MINUTE_US * 4
    assert sorted(watched.closed.values()) == list(watched.closed.values())


def test_a_gate_lets_through_for_its_time_and_waits_while_it_is_shut() -> None:
    assert sum(1 for _ in Gate(0.3, rate=2_000).through(trades(1_000))) in range(256, 1_025)
    assert list(Gate(0.05, is_open=False).through(trades(1_000))) == []


def test_percentiles_of_delays_are_delays_that_were_seen() -> None:
    assert percentiles([number / 10 for number in range(1, 101)]) == {
        "p50_seconds": 5.1,
        "p95_seconds": 9.5,
        "p99_seconds": 9.9,
        "most_seconds": 10.0,
    }


@pytest.mark.nightly
def test_the_short_form_measures_the_whole_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    # Also a slow machine sends more than a minute of event time, after which heartbeats come.
    monkeypatch.setitem(PER_MINUTE, "confluent-kafka", 20_000)
    options = ["--client", "confluent-kafka", "--delivery", "exactly-once", "--seconds", "5"]
    parts = ["--part", "sustained", "--part", "latency", "--json"]
    done = CliRunner().invoke(stream, [*options, *parts], catch_exceptions=False)
    result = json.loads(done.stdout.splitlines()[-1])
    (sustained,), (latency,) = result["sustained"], result["latency"]
    assert sustained["accounted"]
    assert min(sustained[name] for name in ("aggregated", "late", "dead", "heartbeats")) > 0
    assert latency["windows"] == latency["windows_closed"] > 0
