"""The gate before all else: this Kafka, this Flink and this connector lose and repeat nothing.

One query with three kinds of sinks; every process is killed, then the job is stopped with a
savepoint and restored from it.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from financial_pipeline.local_cluster.flink_state import newest_state
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.topics import create_topics
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.feed import Message, Paced, read_all, send
from financial_pipeline_tests.flink.kills import kill_in_turn, next_checkpoint

TICKS, KEYED, UPSERTED, EXACT = "gate_ticks", "gate_keyed", "gate_upserted", "gate_exact"
PARTITIONS = 3
START_MS = 1_570_023_000_000
COLUMNS = "symbol string, start_ms bigint, high bigint, low bigint, volume bigint, n bigint"
SINK = """
create table {name} ({columns}) with (
  'connector' = '{connector}', 'topic' = '{name}',
  'properties.bootstrap.servers' = '{servers}', 'key.format' = 'json', 'value.format' = 'json',
  {options}
);"""
SCRIPT = """
set 'pipeline.name' = 'gate';
set 'execution.checkpointing.interval' = '1 s';
create table ticks (
  symbol string, price bigint, size bigint, ts bigint, event_at as to_timestamp_ltz(ts, 3),
  watermark for event_at as event_at - interval '1' second
) with (
  'connector' = 'kafka', 'topic' = '{ticks}', 'properties.bootstrap.servers' = '{servers}',
  'properties.group.id' = 'gate', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
{sinks}
create temporary view bars as
select symbol, min(ts) / 1000 * 1000 as start_ms, max(price) as high, min(price) as low,
  sum(size) as volume, count(*) as n
from table(tumble(table ticks, descriptor(event_at), interval '1' second))
group by symbol, window_start, window_end;
execute statement set
begin
insert into {keyed} select * from bars;
insert into {upserted} select * from bars on conflict do deduplicate;
insert into {exact} select * from bars;
end;
"""
Bar = tuple[str, int, int, int, int, int]


def script(servers: str) -> str:
    """The whole job."""
    key = f"{COLUMNS}, primary key (symbol, start_ms) not enforced"
    keyed = "'key.fields' = 'symbol;start_ms', 'sink.delivery-guarantee' = "
    exact = (
        f"{keyed}'exactly-once', 'sink.transactional-id-prefix' = 'gate', "
        "'properties.transaction.timeout.ms' = '600000'"
    )
    sinks = [
        SINK.format(name=name, columns=columns, connector=connector, servers=servers, options=more)
        for name, columns, connector, more in (
            (KEYED, COLUMNS, "kafka", f"{keyed}'at-least-once'"),
            (UPSERTED, key, "upsert-kafka", "'sink.delivery-guarantee' = 'at-least-once'"),
            (EXACT, COLUMNS, "kafka", exact),
        )
    ]
    names = {"ticks": TICKS, "keyed": KEYED, "upserted": UPSERTED, "exact": EXACT}
    return SCRIPT.format(sinks="".join(sinks), servers=servers, **names)


@dataclass
class Ticks:
    """`count` ticks of 50 symbols, 2 ms apart, from number `first` on; their bars go to `bars`."""

    first: int
    count: int
    bars: dict[tuple[str, int], Bar]

    def __iter__(self) -> Iterator[Message]:
        for number in range(self.first, self.first + self.count):
            symbol, at = f"S{number % 50:02d}", START_MS + 2 * number
            price, size = number * 7919 % 9973 + 1, number % 17 + 1
            self._expect(symbol, at, price, size)
            value = {"symbol": symbol, "price": price, "size": size, "ts": at}
            # A symbol stays in its partition.
            yield number % 50 % PARTITIONS, symbol.encode(), json.dumps(value).encode(), at

    def _expect(self, symbol: str, at: int, price: int, size: int) -> None:
        start = at // 1000 * 1000
        _, _, high, low, volume, n = self.bars.get(
            (symbol, start), (symbol, start, price, price, 0, 0)
        )
        bar = (symbol, start, max(high, price), min(low, price), volume + size, n + 1)
        self.bars[symbol, start] = bar


@dataclass(frozen=True)
class Closing:
    """A last tick for each partition, far behind the rest; its own window stays open."""

    count: int = PARTITIONS

    def __iter__(self) -> Iterator[Message]:
        value = {"symbol": "END", "price": 1, "size": 1, "ts": START_MS + 86_400_000}
        for partition in range(PARTITIONS):
            yield partition, b"END", json.dumps(value).encode(), START_MS


def bar(value: bytes) -> Bar:
    """A row of any of the sinks."""
    row = json.loads(value)
    return row["symbol"], row["start_ms"], row["high"], row["low"], row["volume"], row["n"]


pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

# What must come of both.
BARS: dict[tuple[str, int], Bar] = {}
BEFORE, AFTER = Ticks(0, 120_000, BARS), Ticks(120_000, 30_000, BARS)
KILLED = ["taskmanager-1", "broker-1", "jobmanager"]


def fed(runtime: LocalRuntime, ticks: Paced, seconds: float) -> threading.Thread:
    """Ticks on their way."""
    sender = threading.Thread(target=send, args=(ticks, runtime.client, seconds, TICKS))
    sender.start()
    return sender


@pytest.fixture(scope="module")
def passed(runtime: LocalRuntime) -> LocalRuntime:
    """The cluster after kills, savepoint, restore and the last tick."""
    create_topics(
        runtime.client,
        dict.fromkeys((TICKS, KEYED, UPSERTED, EXACT), PARTITIONS),
        1,
    )
    query = script(runtime.bootstrap_servers)
    job_id = runtime.submit(query, fresh=True)
    next_checkpoint(runtime, job_id)
    sender = fed(runtime, BEFORE, 60.0)
    kill_in_turn(runtime, job_id, KILLED)
    savepoint = runtime.rest.stop_with_savepoint(job_id, runtime.flink.savepoints)
    assert newest_state(runtime.flink.folder) == savepoint
    restored = runtime.submit(query)
    sender.join()
    for ticks in (AFTER, Closing()):
        fed(runtime, ticks, 0.0).join()
    assert eventually(lambda: len(set(bars_of(runtime, EXACT))) >= len(BARS))
    next_checkpoint(runtime, restored)
    runtime.rest.cancel(restored)
    assert eventually(lambda: runtime.running_jobs() == [])
    return runtime


def bars_of(runtime: LocalRuntime, topic: str, isolation: str = "read_committed") -> list[Bar]:
    return [bar(value) for value in read_all(runtime.client, topic, isolation)]


def expected_bars() -> list[Bar]:
    return sorted(BARS.values())


def test_the_transactional_sink_is_exact_when_read_committed(passed: LocalRuntime) -> None:
    assert sorted(bars_of(passed, EXACT)) == expected_bars()


def test_what_was_aborted_is_there_for_whoever_reads_uncommitted(passed: LocalRuntime) -> None:
    assert len(bars_of(passed, EXACT, "read_uncommitted")) > len(expected_bars())


@pytest.mark.parametrize("topic", [KEYED, UPSERTED])
def test_keyed_sinks_repeat_equal_rows_only(passed: LocalRuntime, topic: str) -> None:
    assert sorted(set(bars_of(passed, topic))) == expected_bars()
