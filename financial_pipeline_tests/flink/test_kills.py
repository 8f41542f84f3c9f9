"""Kill everything in turn under load: the bars equal what was sent, to the tick."""

import threading
from collections.abc import Iterator

import pytest

from financial_pipeline.schemas.stream import BARS_TOPIC, DEAD_LETTER_TOPIC, LATE_TOPIC
from financial_pipeline.streaming.job_script import JobValues, job_script
from financial_pipeline.streaming.local.runtime import LocalRuntime, RuntimePlan, local_runtime
from financial_pipeline_tests.flink.conftest import eventually
from financial_pipeline_tests.flink.feed import Feed, bars_on, read_all, send
from financial_pipeline_tests.flink.kills import kill_in_turn, next_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.streaming_full, pytest.mark.timeout(1200)]

MESSAGES = 300_000
# The feed goes on for longer than the kills take on an idle machine.
FEED_SECONDS = 200.0
BAR_SECONDS = 5
KILLED = ["taskmanager-1", "jobmanager", "broker-1", "taskmanager-1", "jobmanager"] * 4


@pytest.fixture
def own_runtime(own_state: RuntimePlan) -> Iterator[LocalRuntime]:
    with local_runtime(own_state) as running:
        yield running


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_twenty_kills_lose_nothing_and_repeat_nothing(
    own_runtime: LocalRuntime, delivery: str
) -> None:
    count, killed = (MESSAGES, KILLED) if delivery == "exactly-once" else (60_000, KILLED[:5])
    values = JobValues(own_runtime.bootstrap_servers, delivery, BAR_SECONDS)
    job_id = own_runtime.submit(job_script(values))
    next_checkpoint(own_runtime, job_id)
    feed = Feed(count, BAR_SECONDS)
    seconds = FEED_SECONDS * count / MESSAGES
    sender = threading.Thread(target=send, args=(feed, own_runtime.client, seconds))
    sender.start()
    recoveries = kill_in_turn(own_runtime, job_id, killed)
    sender.join()
    client = own_runtime.client
    assert eventually(lambda: len(bars_on(client, BARS_TOPIC)[0]) >= len(feed.bars))
    assert bars_on(client, BARS_TOPIC) == (feed.bars, feed.heartbeats)
    assert len(set(read_all(client, DEAD_LETTER_TOPIC))) == feed.dead
    assert len(set(read_all(client, LATE_TOPIC))) == feed.late
    assert len(recoveries) == len(killed)
