"""The ledger: ranges follow each other, and only one of two runs can land a message."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.streaming.ledger import LandedRange, Ledger, RangeTaken


def landed(start: int, end: int, partition: int = 0) -> LandedRange:
    return LandedRange("bars", partition, start, end, f"{start}", end - start, {"2019-03-19": 1})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite", "kafka:one")


def test_ranges_follow_each_other(ledger: Ledger) -> None:
    ledger.commit([landed(0, 5), landed(0, 7, partition=1)], "a")
    ledger.commit([landed(5, 9)], "b")
    assert ledger.next_offsets("bars") == {0: 9, 1: 7}
    assert [(one.start, one.end) for one in ledger.ranges("bars")] == [(0, 5), (0, 7), (5, 9)]


@pytest.mark.parametrize(("start", "end"), [(0, 5), (0, 9), (4, 9), (6, 9)])
def test_a_range_that_starts_elsewhere_changes_nothing(
    ledger: Ledger, start: int, end: int
) -> None:
    ledger.commit([landed(0, 5)], "a")
    with pytest.raises(RangeTaken, match="Another run has landed"):
        ledger.commit([landed(0, 3, partition=1), landed(start, end)], "b")
    assert ledger.next_offsets("bars") == {0: 5}
    assert len(ledger.ranges("bars")) == 1


def test_of_many_runs_one_lands_the_range(tmp_path: Path) -> None:
    def attempt(number: int) -> bool:
        try:
            Ledger(tmp_path / "ledger.sqlite", "x").commit([landed(0, 5)], str(number))
        except RangeTaken:
            return False
        return True

    Ledger(tmp_path / "ledger.sqlite", "x")
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_offsets_of_another_log_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    sentence = r"of the Kafka cluster kafka:one, and kafka:two answers now.*stream reset"
    with pytest.raises(PipelineError, match=sentence):
        Ledger(tmp_path / "ledger.sqlite", "kafka:two")


def test_what_is_not_published_yet_is_known(ledger: Ledger) -> None:
    ledger.commit([landed(0, 5)], "a")
    ledger.mark_published(ledger.ranges("bars"))
    ledger.commit([landed(5, 6)], "b")
    assert [one.start for one in ledger.ranges("bars", unpublished=True)] == [5]
