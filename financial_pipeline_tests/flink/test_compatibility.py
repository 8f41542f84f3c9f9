"""The gate before all else: this Kafka, this Flink and this connector lose and repeat nothing.

One query with three kinds of sinks; every process is killed, then the job is stopped with a
savepoint and restored from it.
"""

import threading

import pytest

from financial_pipeline.local_cluster.flink_state import newest_state
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.topics import create_topics
from financial_pipeline_tests.flink import gate
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.feed import Paced, read_all, send
from financial_pipeline_tests.flink.kills import kill_in_turn, next_checkpoint

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

# What must come of both.
BARS: dict[tuple[str, int], gate.Bar] = {}
BEFORE, AFTER = gate.Ticks(0, 120_000, BARS), gate.Ticks(120_000, 30_000, BARS)
KILLED = ["taskmanager-1", "broker-1", "jobmanager"]


def fed(runtime: LocalRuntime, ticks: Paced, seconds: float) -> threading.Thread:
    """Ticks on their way."""
    sender = threading.Thread(target=send, args=(ticks, runtime.client, seconds, gate.TICKS))
    sender.start()
    return sender


@pytest.fixture(scope="module")
def passed(runtime: LocalRuntime) -> LocalRuntime:
    """The cluster after kills, savepoint, restore and the last tick."""
    create_topics(
        runtime.client,
        dict.fromkeys((gate.TICKS, gate.KEYED, gate.UPSERTED, gate.EXACT), gate.PARTITIONS),
        1,
    )
    script = gate.script(runtime.bootstrap_servers)
    job_id = runtime.submit(script, fresh=True)
    next_checkpoint(runtime, job_id)
    sender = fed(runtime, BEFORE, 60.0)
    kill_in_turn(runtime, job_id, KILLED)
    savepoint = runtime.rest.stop_with_savepoint(job_id, runtime.flink.savepoints)
    assert newest_state(runtime.flink.folder) == savepoint
    restored = runtime.submit(script)
    sender.join()
    for ticks in (AFTER, gate.Closing()):
        fed(runtime, ticks, 0.0).join()
    assert eventually(lambda: len(set(bars_of(runtime, gate.EXACT))) >= len(BARS))
    next_checkpoint(runtime, restored)
    runtime.rest.cancel(restored)
    assert eventually(lambda: runtime.running_jobs() == [])
    return runtime


def bars_of(runtime: LocalRuntime, topic: str, isolation: str = "read_committed") -> list[gate.Bar]:
    return [gate.bar(value) for value in read_all(runtime.client, topic, isolation)]


def expected_bars() -> list[gate.Bar]:
    return sorted(BARS.values())


def test_the_transactional_sink_is_exact_when_read_committed(passed: LocalRuntime) -> None:
    assert sorted(bars_of(passed, gate.EXACT)) == expected_bars()


def test_what_was_aborted_is_there_for_whoever_reads_uncommitted(passed: LocalRuntime) -> None:
    assert len(bars_of(passed, gate.EXACT, "read_uncommitted")) > len(expected_bars())


@pytest.mark.parametrize("topic", [gate.KEYED, gate.UPSERTED])
def test_keyed_sinks_repeat_equal_rows_only(passed: LocalRuntime, topic: str) -> None:
    assert sorted(set(bars_of(passed, topic))) == expected_bars()
