"""The ledger: ranges follow each other, and only one of two runs can land a message."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
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
    assert [one.start for one in ledger.ranges("bars")] == [0, 5]


def test_a_range_is_read_as_it_was_landed(ledger: Ledger) -> None:
    first = replace(landed(0, 5), days={"2019-03-19": 2, "2019-03-20": 3}, watermark_us=7)
    ledger.commit([first, landed(0, 7, partition=1)], "a")
    assert ledger.ranges("bars") == [replace(first, id=1), replace(landed(0, 7, 1), id=2)]
    assert ledger.ranges("alerts") == []
    assert ledger.next_offsets("alerts") == {}


def test_published_ranges_can_be_taken_back(ledger: Ledger) -> None:
    ledger.commit([landed(0, 5), landed(0, 7, partition=1)], "a")
    first, _ = ledger.ranges("bars")
    ledger.mark_published([first])
    assert [one.partition for one in ledger.ranges("bars", unpublished=True)] == [1]
    ledger.mark_published([first], value=False)
    assert len(ledger.ranges("bars", unpublished=True)) == 2


def test_ranges_are_noted_as_published_all_or_none(ledger: Ledger) -> None:
    ledger.commit([landed(0, 5), landed(0, 7, partition=1)], "a")
    first, second = ledger.ranges("bars")
    with pytest.raises(sqlite3.Error):
        ledger.mark_published([first, replace(second, id=[])])  # type: ignore[arg-type]
    assert len(ledger.ranges("bars", unpublished=True)) == 2


def test_a_ledger_makes_its_folders(tmp_path: Path) -> None:
    assert Ledger(tmp_path / "stream" / "replay" / "ledger.sqlite", "kafka:one").id


def test_days_wait_for_a_comparison_until_all_their_ranges_are_in_one(ledger: Ledger) -> None:
    def waiting() -> list[str]:
        return ledger.uncompared_days(["bars", "late"], "command-")

    assert (waiting(), ledger.newest_range()) == ([], 0)
    ledger.commit([replace(landed(0, 5), days={"2019-03-20": 2, "2019-03-19": 3})], "command-1")
    ledger.commit([replace(landed(5, 9), days={"2019-03-21": 4})], "an asset's run")
    ledger.commit([replace(landed(0, 9), topic="macro", days={"2019-03-22": 1})], "command-1")
    assert (waiting(), ledger.newest_range()) == (["2019-03-19", "2019-03-20"], 3)
    ledger.note_compared({"2019-03-19": 1})
    assert waiting() == ["2019-03-20"]
    ledger.note_compared({"2019-03-20": 0})
    assert waiting() == ["2019-03-20"]
    ledger.note_compared({"2019-03-20": 1})
    ledger.note_compared({"2019-03-20": 0})
    assert ledger.compared() == {"2019-03-19": 1, "2019-03-20": 1}
    ledger.commit([replace(landed(0, 1, 1), topic="late", days={"2019-03-19": 1})], "command-2")
    assert waiting() == ["2019-03-19"]
    with pytest.raises(sqlite3.Error):
        ledger.note_compared({"2019-03-19": 4, "2019-03-20": []})  # type: ignore[dict-item]
    assert waiting() == ["2019-03-19"]


def test_the_watermark_of_a_partition_is_its_highest(ledger: Ledger) -> None:
    marks = [(0, 5, 0, 90), (5, 9, 0, 70), (0, 3, 1, None), (0, 4, 2, 50)]
    for start, end, partition, mark in marks:
        ledger.commit([replace(landed(start, end, partition), watermark_us=mark)], "a")
    assert ledger.watermarks("bars") == {0: 90, 2: 50}
    assert ledger.watermarks("alerts") == {}


def test_a_ledger_keeps_its_id_and_another_one_has_its_own(ledger: Ledger, tmp_path: Path) -> None:
    again = Ledger(tmp_path / "ledger.sqlite", "kafka:one")
    assert again.id == ledger.id != Ledger(tmp_path / "other" / "ledger.sqlite", "kafka:one").id


def test_a_topic_is_the_one_that_was_seen_first(ledger: Ledger) -> None:
    ledger.require_same("bars", "one", 3)
    ledger.require_same("bars", "one", 3)
    with pytest.raises(PipelineError, match=r"topic bars was deleted and created again.*reset"):
        ledger.require_same("bars", "two", 3)
    with pytest.raises(PipelineError, match=r"topic bars has 4 partitions and had 3"):
        ledger.require_same("bars", "one", 4)
    ledger.require_same("alerts", "two", 4)


def test_a_damaged_ledger_is_one_sentence_with_advice(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(b"no database" * 100)
    with pytest.raises(PipelineError, match=r"ledger.sqlite is damaged; restore it from a backup"):
        Ledger(file, "kafka:one")


def test_a_locked_ledger_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("financial_pipeline.streaming.ledger.BUSY_SECONDS", 0)
    Ledger(tmp_path / "ledger.sqlite", "kafka:one")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("begin immediate")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            Ledger(tmp_path / "ledger.sqlite", "kafka:one")
