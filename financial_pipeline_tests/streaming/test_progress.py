"""The progress of a job, by Flink's metrics."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from financial_pipeline.local_cluster.flink_rest import FlinkRest
from financial_pipeline.streaming.progress import is_passed_on

SOURCE = "Source__messages.KafkaSourceReader.topic"
TOPIC = "raw_market_ohlcv"


@dataclass(frozen=True)
class Told(FlinkRest):
    """A JobManager that knows one job, and of its source what `metrics` say."""

    url: str = "unused"
    metrics: dict[str, float] = field(default_factory=dict)
    restarts_seen: int = 0
    vertices: tuple[str, ...] = ("source", "sink")

    def get(self, path: str) -> Any:
        if path == "/jobs/one":
            return {"vertices": [{"id": name} for name in self.vertices]}
        if path == "/jobs/one/metrics?get=numRestarts":
            return [{"id": "numRestarts", "value": str(self.restarts_seen)}]
        known, _, wanted = path.partition("?agg=max&get=")
        assert known == "/jobs/one/vertices/source/subtasks/metrics"
        if not wanted:
            return [{"id": name} for name in self.metrics]
        return [{"id": name, "max": self.metrics[name]} for name in wanted.split(",")]


def of(**partitions: float) -> dict[str, float]:
    return {
        f"{SOURCE}.{TOPIC}.partition.{name[1:]}.currentOffset": offset
        for name, offset in partitions.items()
    }


def test_the_offset_behind_the_last_message_is_told_by_partition() -> None:
    others = {f"{SOURCE}.{TOPIC}2.partition.0.currentOffset": 9.0, "0.busyTimeMsPerSecond": 1.0}
    told = Told(metrics=of(p0=4.0, p11=1006.0, p2=-1.0) | others)
    assert told.source_offsets("one", TOPIC) == {0: 5, 11: 1007, 2: 0}
    assert Told(metrics=others).source_offsets("one", TOPIC) == {}


def test_a_job_that_a_new_job_manager_has_not_planned_has_passed_on_nothing() -> None:
    unplanned = Told(metrics=of(p0=4.0), vertices=())
    assert unplanned.source_offsets("one", TOPIC) == {}
    assert not is_passed_on(unplanned, "one", TOPIC, {0: 5})


@pytest.mark.parametrize(
    ("ends", "passed"),
    [
        ({0: 5, 1: 8}, True),
        ({0: 5, 1: 8, 2: 0}, True),
        ({0: 5, 1: 9}, False),
        ({0: 5, 1: 8, 2: 1}, False),
    ],
)
def test_all_is_passed_on_when_every_partition_is(ends: dict[int, int], passed: bool) -> None:
    assert is_passed_on(Told(metrics=of(p0=4.0, p1=7.0)), "one", TOPIC, ends) is passed


def test_of_a_job_that_was_started_anew_nothing_is_sure() -> None:
    told = Told(metrics=of(p0=4.0), restarts_seen=1)
    assert is_passed_on(told, "one", TOPIC, {0: 5}) is False


def test_a_job_manager_that_does_not_answer_says_nothing() -> None:
    assert is_passed_on(FlinkRest("http://127.0.0.1:9"), "one", TOPIC, {0: 0}) is False
