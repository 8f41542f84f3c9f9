"""After any simulated history of the stream, ledger, landed files and tables are those of a model.

`-k '[17]'` replays one history by its seed. Each of the last tests takes a protection away and
requires that some history fails without it.
"""

from contextlib import ExitStack, nullcontext
from typing import Any
from unittest import mock

import polars as pl
import pytest

from financial_pipeline.publishing import manifest
from financial_pipeline.streaming import ledger, tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.ledger import LandedRange, Ledger
from financial_pipeline.streaming.message_log import TopicState
from financial_pipeline_tests.streaming.histories import failure_of, replay

QUICK, THOROUGH, CHUNK = 200, 10_000, 500
# Without a protection, one of so many histories fails.
ENOUGH = 300


@pytest.mark.parametrize("seed", range(QUICK))
def test_a_history_of_the_stream_loses_and_doubles_nothing(seed: int) -> None:
    replay(seed)


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(QUICK, THOROUGH, CHUNK))
def test_thousands_of_histories_lose_and_double_nothing(first: int) -> None:
    seeds = range(first, min(first + CHUNK, THOROUGH))
    assert [*filter(None, map(failure_of, seeds))] == []


def ledger_first(self: Landing, topic: str, ranges: Any, run_id: str) -> list[LandedRange]:
    """Let a range count before its file is there."""
    written = self._write

    def named(topic: str, part: int, span: tuple[int, int], rows: pl.DataFrame) -> LandedRange:
        file, days = f"{topic}/{part}-{span[0]}-{span[1]}.parquet", rows["trading_date"]
        counts = {day.isoformat(): count for day, count in days.value_counts().iter_rows()}
        return LandedRange(topic, part, *span, file=file, rows=rows.height, days=counts)

    arguments: list[Any] = []
    with mock.patch.object(
        Landing, "_write", lambda _, *given: [arguments.append(given), named(*given)][1]
    ):
        landed = LAND_PART(self, topic, ranges, run_id)
    for given in arguments:
        written(*given)
    return landed


def one_less(self: Landing, topic: str, ranges: Any, run_id: str) -> list[LandedRange]:
    """Leave the last message of a range out of its file."""
    read = self.log.read

    def short(topic: str, ranges: Any) -> pl.DataFrame:
        return read(topic, {part: (start, end - 1) for part, (start, end) in ranges.items()})

    with mock.patch.object(self.log, "read", short):
        return LAND_PART(self, topic, ranges, run_id)


def unguarded(connection: Any, landed: LandedRange) -> None:
    """Move the ledger wherever it is."""
    place = [landed.topic, landed.partition, landed.end]
    connection.execute("insert or replace into offsets values (?, ?, ?)", place)


def marked_first(paths: Any, channel: Any, changed: Any, world: Any) -> Any:
    """Note ranges as published before they are."""
    folder = paths.data_root / "raw" / "stream"
    for file in folder.glob("*/ledger.sqlite"):
        with ledger.sqlite3.connect(file) as connection:
            connection.execute("update ranges set is_published = 1")
        connection.close()
    return PUBLISH(paths, channel, changed, world)


def without_lost(self: Landing, topic: str, state: TopicState) -> dict[str, int]:
    """Begin where the log begins, and say nothing about messages that it deleted."""
    starts = STARTS(self, topic, state)
    return {part: max(start, state.firsts[part]) for part, start in starts.items()}


def for_good(self: Ledger, days: dict[str, int]) -> None:
    """Note days as compared with whatever may land later."""
    NOTE(self, {day: newest + 10**6 for day, newest in days.items()})


def with_repetitions(messages: pl.DataFrame, table: Any) -> pl.DataFrame:
    """Return typed rows, of repeated messages each."""
    parts = [TYPED(row, table) for row in messages.iter_slices(1)]
    return pl.concat([TYPED(messages.head(0), table), *parts])


def added(table: Any, before: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows before and the new ones, whatever their keys are."""
    return pl.concat([before.select(rows.columns), rows])


# Two ranges with one start are refused by the table of ranges too.
UNGUARDED = ledger.TABLES.replace(",\n    unique (topic, partition, start_offset)", "")
LAND_PART, PUBLISH, TYPED = Landing._land_part, tables.publish_tables, tables.typed_rows
STARTS, NOTE = Landing._starts, Ledger.note_compared
# What is taken away -> where, and what takes its place.
TAKEN_AWAY: dict[str, list[tuple[Any, str, Any]]] = {
    "data before the ledger": [(Landing, "_land_part", ledger_first)],
    "the last message of a range": [(Landing, "_land_part", one_less)],
    "the guards of the ledger": [(ledger, "_move", unguarded), (ledger, "TABLES", UNGUARDED)],
    "the id of a topic": [(Ledger, "require_same", lambda *_: None)],
    # A table that continues another version than the current one is refused too.
    "the lock of the tables": [
        (tables, "locked", lambda _: nullcontext()),
        (manifest, "is_overtaken", lambda *_: False),
    ],
    # Repetitions are dropped within a range, and where ranges are merged.
    "one row per key": [(tables, "typed_rows", with_repetitions), (tables, "_merge", added)],
    "tables before their mark": [(tables, "publish_tables", marked_first)],
    "the sentence about lost messages": [(Landing, "_starts", without_lost)],
    "comparing a day again": [(Ledger, "note_compared", for_good)],
}


@pytest.mark.nightly
@pytest.mark.parametrize("name", TAKEN_AWAY)
def test_histories_notice_a_protection_that_is_taken_away(name: str) -> None:
    with ExitStack() as stack:
        for place, attribute, instead in TAKEN_AWAY[name]:
            stack.enter_context(mock.patch.object(place, attribute, instead))
        assert any(failure_of(seed) for seed in range(ENOUGH))
