"""Kill everything in turn under load: the tables equal what was sent, to the tick."""

import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.local_cluster.processes import ManagedProcess
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan, local_runtime
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.schemas.stream import BARS_TOPIC, DEAD_LETTER_TOPIC, LATE_TOPIC
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming import parity
from financial_pipeline.streaming.job_script import JobValues, job_script
from financial_pipeline.streaming.kafka_log import KafkaLog
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.logs import MARKET_TOPICS
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.feed import (
    PARTITIONS,
    Feed,
    bars_on,
    landed_bars,
    read_all,
    send,
)
from financial_pipeline_tests.flink.kills import kill_in_turn, next_checkpoint

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

MESSAGES = 300_000
# The feed lasts longer than the kills take on an idle machine.
FEED_SECONDS = 200.0
BAR_SECONDS = 5
DAY = date(2019, 10, 2)
# `landing` is `financial-pipeline stream land --follow`.
KILLED = ["taskmanager-1", "jobmanager", "broker-1", "landing", "taskmanager-1"] * 4


@pytest.fixture
def own_runtime(
    own_state: RuntimePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalRuntime]:
    """Kafka, Flink, and a process that lands their messages."""
    with local_runtime(own_state) as running:
        monkeypatch.setenv("FINANCIAL_PIPELINE_KAFKA_BROKERS", running.bootstrap_servers)
        monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path / "root"))
        monkeypatch.setenv("FINANCIAL_PIPELINE_STREAM_BAR_SECONDS", str(BAR_SECONDS))
        command = [str(Path(sys.executable).with_name("financial-pipeline"))]
        command += ["stream", "land", "--follow"]
        landing = ManagedProcess("landing", command, tmp_path / "landing.txt")
        landing.start()
        # One assignment: the runtime looks through its processes all the time.
        running.processes = running.processes | {landing.name: landing}
        yield running


def table(paths: Paths, name: str) -> pl.DataFrame:
    """A published stream table."""
    found = read_manifest(paths).table(f"stream/{name}")
    return pl.read_parquet(parquet_files(paths, found))


def is_published(landing: Landing) -> bool:
    """Whether all that is on the topics has landed, and all that landed is in the tables."""
    topics = [each.topic for each in STREAM_TABLES.values() if each.topic]
    unpublished = (landing.ledger.ranges(topic, unpublished=True) for topic in topics)
    return not landing.waiting(MARKET_TOPICS) and not any(unpublished)


def check_tables(landing: Landing, feed: Feed) -> None:
    """The tables that the killed process published, and what the batch says to them."""
    paths = landing.paths
    assert landed_bars(table(paths, "market_bars_1m")) == feed.bars
    assert table(paths, "dead_letters").height == feed.dead
    assert table(paths, "late_messages").height == feed.late
    (row,) = parity.compare(landing, DAY.isoformat(), DAY.isoformat()).rows.to_dicts()
    assert (row["passed"], row["duplicates"]) == (True, 0)
    assert row["heartbeats"] == feed.heartbeats
    # The last heartbeats stay open, with what was dead or late as the last window closed.
    others = row["late"] + row["dead_lettered"] + row["open"]
    assert others == feed.late + feed.dead + PARTITIONS


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_twenty_kills_lose_nothing_and_repeat_nothing(
    own_runtime: LocalRuntime, delivery: str, tmp_path: Path
) -> None:
    count, killed = (MESSAGES, KILLED) if delivery == "exactly-once" else (60_000, KILLED[:5])
    values = JobValues(own_runtime.bootstrap_servers, delivery, BAR_SECONDS, PARTITIONS)
    job_id = own_runtime.submit(job_script(values))
    next_checkpoint(own_runtime, job_id)
    feed, client = Feed(count, BAR_SECONDS), own_runtime.client
    seconds = FEED_SECONDS * count / MESSAGES
    sender = threading.Thread(target=send, args=(feed, client, seconds))
    sender.start()
    recoveries = kill_in_turn(own_runtime, job_id, killed)
    assert [recovery.process for recovery in recoveries] == killed
    sender.join()
    assert eventually(lambda: len(bars_on(client, BARS_TOPIC)[0]) >= len(feed.bars))
    assert bars_on(client, BARS_TOPIC) == (feed.bars, feed.heartbeats)
    assert len(set(read_all(client, DEAD_LETTER_TOPIC))) == feed.dead
    assert len(set(read_all(client, LATE_TOPIC))) == feed.late
    landing = Landing(Paths(tmp_path / "root"), KafkaLog(client), BAR_SECONDS)
    assert eventually(lambda: is_published(landing))
    assert own_runtime.processes["landing"].restarts >= killed.count("landing")
    own_runtime.kill("landing", respawn=False)
    check_tables(landing, feed)
