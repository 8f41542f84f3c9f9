"""Two processes that land the same messages."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import RAW_TOPIC, TOPICS
from financial_pipeline.streaming import micro_batch, tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.ledger import RangeTaken
from financial_pipeline.streaming.message_log import FileLog, Ranges
from financial_pipeline_tests.streaming import stream_world

WORLD = {"source": "simulated"}


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return stream_world.replayed_landing(tmp_path)


@pytest.fixture
def other(landing: Landing) -> Landing:
    return Landing(landing.paths, landing.log)


def test_a_range_lands_in_one_of_two_runs(landing: Landing, other: Landing) -> None:
    ranges = landing.waiting((RAW_TOPIC,))[RAW_TOPIC]
    landing.land(RAW_TOPIC, ranges, "first")
    with pytest.raises(RangeTaken):
        other.land(RAW_TOPIC, ranges, "second")
    assert other.land_rest(RAW_TOPIC, ranges, "second") == []


def test_the_rest_lands_after_a_range_that_another_run_has_landed(
    landing: Landing, other: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, whole = landing.log.read, landing.waiting((RAW_TOPIC,))[RAW_TOPIC]
    halves = {part: (start, (start + end) // 2) for part, (start, end) in whole.items()}

    def read_late(topic: str, ranges: Ranges) -> pl.DataFrame:
        monkeypatch.setattr(landing.log, "read", read)
        other.land(topic, halves, "other")
        return read(topic, ranges)

    monkeypatch.setattr(landing.log, "read", read_late)
    landed = landing.land_rest(RAW_TOPIC, whole, "late")
    assert {one.partition: (one.start, one.end) for one in landed} == {
        part: (halves[part][1], end) for part, (_, end) in whole.items()
    }
    rows = landing.read(landing.ledger.ranges(RAW_TOPIC))
    assert rows.height == sum(end - start for start, end in whole.values())


def land_all(root: Path, log: Path) -> Counter[str]:
    """Land all that waits, in a process of its own; return the messages of each topic."""
    return Counter(micro_batch.land_waiting(Landing(Paths(root), FileLog(log)), WORLD).messages)


def test_two_processes_that_land_at_once_land_every_message_once(
    landing: Landing, tmp_path: Path
) -> None:
    folders = [tmp_path / "root"] * 2, [tmp_path / "log"] * 2
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        counts = sum(pool.map(land_all, *folders), Counter[str]())
    ends = landing.log.end_offsets(tuple(TOPICS))
    assert counts == {topic: sum(parts.values()) for topic, parts in ends.items() if parts}
    assert landing.waiting(tuple(TOPICS)) == {}
    assert tables.publish_landed(landing, WORLD) == {}
