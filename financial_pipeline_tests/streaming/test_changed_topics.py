"""Topics that changed after messages landed: one sentence each, a way on, no wrong tables."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster import control
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import BARS_TOPIC, RAW_TOPIC
from financial_pipeline.streaming import replay, tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog, Ranges, TopicState
from financial_pipeline_tests.streaming import stream_world
from financial_pipeline_tests.streaming.stream_world import OPENINGS_US
from financial_pipeline_tests.streaming.test_landing import land_all, table

MESSAGES = 10
RESET = "financial-pipeline stream reset"


class BrokerLog(FileLog):
    """A log in files that has a broker's ids of topics, and deletes its oldest messages."""

    topic_id = "one"
    first = 0
    more_partitions: tuple[int, ...] = ()

    def states(self, topics: Sequence[str]) -> dict[str, TopicState]:
        return {
            topic: replace(
                state,
                firsts=dict.fromkeys((*state.ends, *self.more_partitions), self.first),
                ends=state.ends | dict.fromkeys(self.more_partitions, 0),
                id=self.topic_id,
            )
            for topic, state in super().states(topics).items()
        }

    def read(self, topic: str, ranges: Ranges) -> pl.DataFrame:
        assert all(start >= self.first for start, _ in ranges.values())
        return super().read(topic, ranges)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """The landing of a log; its first messages have landed."""
    log = BrokerLog(tmp_path / "log")
    fill(log)
    found = Landing(Paths(tmp_path / "root"), log)
    land(found)
    return found


def fill(log: FileLog) -> None:
    value = replay.encode(stream_world.trade("JPM", 1, OPENINGS_US[0]))
    log.append(RAW_TOPIC, 0, [(OPENINGS_US[0] // 1000, b"JPM", value)] * MESSAGES)


def land(landing: Landing) -> None:
    for topic, ranges in landing.waiting((RAW_TOPIC,)).items():
        landing.land(topic, ranges, "test")


def changed(landing: Landing, **attributes: object) -> BrokerLog:
    log = landing.log
    assert isinstance(log, BrokerLog)
    for name, value in attributes.items():
        setattr(log, name, value)
    fill(log)
    return log


def refusal(landing: Landing) -> str:
    with pytest.raises(PipelineError) as refused:
        landing.waiting((RAW_TOPIC,))
    assert landing.ledger.next_offsets(RAW_TOPIC) == {0: MESSAGES}
    return str(refused.value)


def test_a_topic_of_another_id_is_refused_however_long_it_is(landing: Landing) -> None:
    changed(landing, topic_id="two")
    sentence = refusal(landing)
    assert sentence.startswith(f"The topic {RAW_TOPIC} was deleted and created again")
    assert RESET in sentence


def test_a_topic_that_is_made_again_after_its_ranges_were_chosen_lands_nothing(
    landing: Landing,
) -> None:
    log = changed(landing)
    ranges = landing.waiting((RAW_TOPIC,))[RAW_TOPIC]
    log.topic_id = "two"
    with pytest.raises(PipelineError, match="was deleted and created again"):
        landing.land(RAW_TOPIC, ranges, "test")
    log.topic_id = "one"
    assert landing.waiting((RAW_TOPIC,)) == {RAW_TOPIC: ranges}


def test_a_topic_that_is_deleted_while_it_is_read_lands_nothing(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = changed(landing)
    ranges = landing.waiting((RAW_TOPIC,))[RAW_TOPIC]
    monkeypatch.setattr(log, "states", lambda _: {})
    with pytest.raises(PipelineError, match="was deleted and created again"):
        landing.land(RAW_TOPIC, ranges, "test")
    assert landing.ledger.next_offsets(RAW_TOPIC) == {0: MESSAGES}


def test_a_replay_whose_input_lost_messages_is_refused(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "log")
    stream_world.write(log, stream_world.session(OPENINGS_US[0], 12, seed=1))
    replay.run(log)
    for file in (tmp_path / "log" / RAW_TOPIC).iterdir():
        pl.read_parquet(file).head(100).write_parquet(file)
    with pytest.raises(PipelineError, match="changed behind what was already replayed"):
        replay.run(log)


def test_a_topic_that_ends_before_the_ledger_is_refused(tmp_path: Path, landing: Landing) -> None:
    shorter = FileLog(tmp_path / "shorter")
    shorter.append(RAW_TOPIC, 0, [(0, None, b"{}")] * (MESSAGES - 1))
    assert "was deleted and created again" in refusal(Landing(landing.paths, shorter))


def test_added_partitions_are_refused(landing: Landing) -> None:
    changed(landing, more_partitions=(1,))
    sentence = refusal(landing)
    assert sentence.startswith(f"The topic {RAW_TOPIC} has 2 partitions and had 1")
    assert RESET in sentence


def test_messages_that_were_deleted_before_they_landed_are_named_and_can_be_skipped(
    landing: Landing,
) -> None:
    changed(landing, first=MESSAGES + 3)
    sentence = refusal(landing)
    assert f"messages 10 to 12 of {RAW_TOPIC}/0" in sentence
    assert "stream land --skip-lost" in sentence
    assert landing.skip_lost((RAW_TOPIC,), "test") == 3
    land(landing)
    offsets = landing.read(landing.ledger.ranges(RAW_TOPIC))["kafka_offset"].to_list()
    assert offsets == [*range(10), *range(13, 20)]
    assert landing.skip_lost((RAW_TOPIC,), "test") == 0


def test_the_first_landing_begins_with_the_oldest_message_that_is_left(tmp_path: Path) -> None:
    log = BrokerLog(tmp_path / "log")
    log.first = 4
    fill(log)
    landing = Landing(Paths(tmp_path / "root"), log)
    land(landing)
    assert landing.ledger.next_offsets(RAW_TOPIC) == {0: MESSAGES}
    assert landing.read(landing.ledger.ranges(RAW_TOPIC)).height == MESSAGES - 4


def test_after_a_reset_nothing_of_bars_of_another_width_is_left(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "root")
    for seconds in (60, 300):
        log = FileLog(paths.replay_log)
        stream_world.write(log, stream_world.session(OPENINGS_US[0], 12, seed=1))
        replay.run(log, seconds)
        landing = Landing(paths, log, seconds)
        land_all(landing)
        tables.publish_landed(landing, {})
        assert table(landing, BARS_TOPIC)["bar_seconds"].unique().to_list() == [seconds]
        control.reset(paths.stream_runtime, [paths.landed_streams, paths.replay_log])
