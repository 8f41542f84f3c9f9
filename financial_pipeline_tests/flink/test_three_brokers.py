"""Two of three brokers killed, one after the other: equal to the tick, unless sources go idle.

Flink has two TaskManagers, each with a part of the job; one of them is killed too.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest
from confluent_kafka.admin import AdminClient

from financial_pipeline.defs.automation.market_topics import market_topics_sensor
from financial_pipeline.defs.raw.topics import market_topics
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan, local_runtime
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import BARS_TOPIC, BEHIND_THE_JOB, RAW_TOPIC
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.logs import MARKET_TOPICS
from financial_pipeline_tests.flink.feed import Feed, bars_on, landed_bars, send
from financial_pipeline_tests.flink.kills import kill_in_turn, next_checkpoint
from financial_pipeline_tests.flink.worlds import CHECKPOINTS, World
from financial_pipeline_tests.streaming.engines import tables_of

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

MESSAGES, FEED_SECONDS, BAR_SECONDS = 150_000, 110.0, 5
# A broker that is killed is silent for longer, also on a fast machine.
HASTY = CHECKPOINTS | {"table.exec.source.idle-timeout": "500 ms"}


@dataclass(frozen=True)
class Drill:
    """The sent messages, and the two worlds that they went through."""

    feed: Feed
    exact: World
    hasty: World


@pytest.fixture(scope="module")
def three_brokers(
    runtime_plan: RuntimePlan, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalRuntime]:
    state = tmp_path_factory.mktemp("three_brokers") / "state"
    plan = replace(runtime_plan, state=state, brokers=3, task_managers=2, broker_heap_mb=384)
    with local_runtime(plan) as running:
        yield running
        # A broker that is asked to end and finds no quorum takes 20 s to give up.
        for number in (1, 3):
            running.kill(f"broker-{number}", respawn=False)


def is_in_sync(cluster: LocalRuntime) -> bool:
    """Whether every partition of every topic has its three replicas again."""
    topics = AdminClient(cluster.client).list_topics(timeout=30).topics.values()
    return all(len(part.isrs) == 3 for topic in topics for part in topic.partitions.values())


def task_managers_of(cluster: LocalRuntime, job_id: str) -> int:
    """Count the TaskManagers that run a part of the job's first task."""
    first = cluster.rest.get(f"/jobs/{job_id}")["vertices"][0]["id"]
    return len(cluster.rest.get(f"/jobs/{job_id}/vertices/{first}/taskmanagers")["taskmanagers"])


def kill_two_brokers(cluster: LocalRuntime, job_id: str, exact: World) -> None:
    """The first comes back, the second stays dead; the cluster is whole in between."""
    kill_in_turn(cluster, job_id, ["broker-1"])
    exact.wait_for(lambda: is_in_sync(cluster))
    cluster.kill("broker-2", respawn=False)
    seconds = next_checkpoint(cluster, job_id)
    print(f"broker-2: next checkpoint {seconds:.1f} s after SIGKILL", flush=True)
    kill_in_turn(cluster, job_id, ["taskmanager-2"])


@pytest.fixture(scope="module")
def drill(three_brokers: LocalRuntime) -> Drill:
    """Two jobs read one feed while brokers die; one takes half a silent second for an end."""
    # Without a prefix, so that the sensor finds the topics.
    exact, hasty = World(three_brokers, prefix=""), World(three_brokers, raw_topic=RAW_TOPIC)
    feed = Feed(MESSAGES, BAR_SECONDS)
    options = {"bar_seconds": BAR_SECONDS, "delivery": "exactly-once", "parallelism": 2}
    sender = threading.Thread(target=send, args=(feed, three_brokers.client, FEED_SECONDS))
    with (
        exact.job(**options) as job_id,
        hasty.job(configuration=HASTY, **options) as other,
    ):
        next_checkpoint(three_brokers, other)
        assert task_managers_of(three_brokers, job_id) == 2
        sender.start()
        kill_two_brokers(three_brokers, job_id, exact)
        assert sender.is_alive(), "the feed ended before the last kill"
        sender.join()
        exact.wait_until_read(job_id)
        hasty.wait_until_read(other)
    return Drill(feed, exact, hasty)


def land_by_sensor(instance: dg.DagsterInstance) -> None:
    """Act as the daemon: ask the sensor, and start its runs."""
    result = market_topics_sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(result, dg.SensorResult)
    [request] = result.run_requests or []
    resources = {"pipeline": Pipeline()}
    config = {"run_config": request.run_config, "resources": resources}
    assert dg.materialize([market_topics], instance=instance, **config).success


def test_two_of_three_brokers_die_and_the_tables_are_equal_to_the_tick(
    drill: Drill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, world = drill.feed, drill.exact
    client = world.runtime.client
    assert bars_on(client, BARS_TOPIC) == (feed.bars, feed.heartbeats)
    monkeypatch.setenv("FINANCIAL_PIPELINE_KAFKA_BROKERS", world.runtime.bootstrap_servers)
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        land_by_sensor(instance)
    assert Landing(Paths(tmp_path), world.log).waiting(MARKET_TOPICS) == {}
    tables = tables_of(world.log, tmp_path)
    assert landed_bars(tables["market_bars_1m"]) == feed.bars
    assert (tables["dead_letters"].height, tables["late_messages"].height) == (feed.dead, feed.late)


def test_the_same_with_a_short_idle_timeout_loses_ticks(drill: Drill, tmp_path: Path) -> None:
    tables = tables_of(drill.hasty.log, tmp_path)
    bars = landed_bars(tables["market_bars_1m"])
    counted, sent = (sum(bar[3] for bar in each.values()) for each in (bars, drill.feed.bars))
    print(f"a short idle timeout lost {sent - counted:.0f} of {sent:.0f} ticks", flush=True)
    assert bars != drill.feed.bars
    assert counted < sent
    assert tables["late_messages"]["reason"].eq(BEHIND_THE_JOB).sum() > 0
