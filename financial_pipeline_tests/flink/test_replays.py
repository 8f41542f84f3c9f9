"""One topic replayed five times, killed or not: the same bars, late rows, dead letters, bytes."""

import pytest

from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.schemas import stream
from financial_pipeline_tests.flink.feed import Feed, bars_of, read_all, send
from financial_pipeline_tests.flink.worlds import World

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

MESSAGES, BAR_SECONDS = 200_000, 5
OUTPUTS = (
    stream.BARS_TOPIC,
    stream.INDICATORS_TOPIC,
    stream.ALERTS_TOPIC,
    stream.DEAD_LETTER_TOPIC,
    stream.LATE_TOPIC,
)
# Who dies in the middle of each replay.
VICTIMS: tuple[tuple[str, ...], ...] = (
    (),
    ("taskmanager-1",),
    ("jobmanager",),
    ("broker-1",),
    ("jobmanager", "taskmanager-1"),
)
Content = dict[str, list[bytes]]


def replayed(raw: World, victims: tuple[str, ...]) -> Content:
    """Every message that one replay of the raw topic gives, by topic, in the order of bytes."""
    runtime = raw.runtime
    world = World(runtime, raw_topic=raw.topic(stream.RAW_TOPIC))
    ends = world.raw_ends()
    whole = sum(ends.values())
    with world.job(bar_seconds=BAR_SECONDS, delivery="exactly-once") as job_id:
        if victims:
            world.wait_for(lambda: world.unread(ends) < whole)
            assert world.unread(ends) > 0, "the replay was over before the kill"
        for name in victims:
            runtime.kill(name)
        world.wait_until_read(job_id, ends)
    return {topic: sorted(read_all(runtime.client, world.topic(topic))) for topic in OUTPUTS}


def test_five_replays_with_kills_give_the_same(runtime: LocalRuntime) -> None:
    raw, feed = World(runtime), Feed(MESSAGES, BAR_SECONDS)
    send(feed, runtime.client, 0.0, raw.topic(stream.RAW_TOPIC))
    first, *others = (replayed(raw, victims) for victims in VICTIMS)
    for victims, other in zip(VICTIMS[1:], others, strict=True):
        for topic in OUTPUTS:
            assert other[topic] == first[topic], (victims, topic)
    assert len(first[stream.DEAD_LETTER_TOPIC]) == feed.dead
    assert len(first[stream.LATE_TOPIC]) == feed.late
    assert len(first[stream.INDICATORS_TOPIC]) == len(feed.bars)
    assert bars_of(first[stream.BARS_TOPIC]) == (feed.bars, feed.heartbeats)
