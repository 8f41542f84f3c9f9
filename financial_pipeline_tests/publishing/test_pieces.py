"""A table that is written whole has files of its own for the rows that changed, and no others."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import hash_frame
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

PRICES: Table[pl.DataType] = Table(
    "exports", "prices", "", ("symbol", "session"), event_date="session"
)
FIRST = date(2000, 1, 3)
SESSIONS = 4000


def prices(sessions: int) -> pl.DataFrame:
    days = pl.DataFrame({"session": [FIRST + timedelta(days=day) for day in range(sessions)]})
    banks = pl.DataFrame({"symbol": ["BAC", "C", "GS", "JPM", "WFC"]})
    number = pl.int_range(pl.len())
    return banks.join(days, how="cross").with_columns(close=(number * 37 % 1009) / 7.0)


def write(paths: Paths, rows: pl.DataFrame, previous: PublishedTable | None) -> PublishedTable:
    with duckdb.connect() as connection:
        connection.register("source", rows)
        return write_table(paths, PRICES, connection.table("source"), previous=previous)


def new_files(paths: Paths, version: PublishedTable, before: PublishedTable) -> list[Path]:
    known = {path.stat().st_ino for path in parquet_files(paths, before)}
    return [path for path in parquet_files(paths, version) if path.stat().st_ino not in known]


def test_one_more_session_of_five_banks_writes_the_files_of_their_ends(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    one = write(paths, prices(SESSIONS), None)
    # The numbers of the rows before must not move.
    day = FIRST + timedelta(days=SESSIONS)
    fresh = prices(1).with_columns(session=pl.lit(day))
    two = write(paths, pl.concat([prices(SESSIONS), fresh]), one)
    written = new_files(paths, two, one)
    assert len(parquet_files(paths, one)) >= 10
    assert 1 <= len(written) <= 5
    assert (two.rows, two.as_of) == (20_005, "2010-12-16")
    assert two.content_hash == write(paths, pl.concat([prices(SESSIONS), fresh]), None).content_hash


def test_equal_rows_write_no_file(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    one = write(paths, prices(500), None)
    two = write(paths, prices(500).reverse(), one)
    assert new_files(paths, two, one) == []
    assert (two.content_hash, two.partitions) == (one.content_hash, one.partitions)


def test_row_that_differs_in_an_unhashed_digit_or_column_is_written(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    rows = prices(10).with_columns(run_id=pl.lit("one"))
    one = write(paths, rows, None)
    two = write(paths, rows.with_columns(run_id=pl.lit("two")), one)
    assert two.content_hash == one.content_hash
    assert pl.read_parquet(parquet_files(paths, two))["run_id"].unique().to_list() == ["two"]
    assert pl.read_parquet(parquet_files(paths, one))["run_id"].unique().to_list() == ["one"]


def test_table_without_rows_has_a_file_with_its_columns(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    empty = write(paths, prices(1).clear(), None)
    assert (empty.rows, empty.as_of, empty.partitions) == (0, None, {})
    assert pl.read_parquet(parquet_files(paths, empty)).columns == ["symbol", "session", "close"]


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 4999), st.integers(1, 400), st.sampled_from("ard")), max_size=4
    )
)
def test_any_history_of_changes_equals_a_full_write(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str]]
) -> None:
    paths = Paths(tmp_path_factory.mktemp("root"))
    rows = prices(1000)
    versions = [(write(paths, rows, None), rows)]
    for start, count, kind in steps:
        number = pl.int_range(pl.len())
        chosen = number.is_between(start, start + count - 1)
        if kind == "d":
            rows = rows.filter(~chosen)
        elif kind == "r":
            rows = rows.with_columns(close=pl.when(chosen).then(-1.5).otherwise("close"))
        else:
            later = rows.filter(chosen).with_columns(pl.col("session").dt.offset_by("20y"))
            rows = pl.concat([rows, later]).unique(PRICES.keys, maintain_order=True)
        versions.append((write(paths, rows, versions[-1][0]), rows))
    for version, expected in versions:
        found = pl.read_parquet(parquet_files(paths, version))
        assert found.equals(expected.sort(PRICES.keys))
        assert version.content_hash == hash_frame(expected, PRICES.keys)
    assert versions[-1][0].content_hash == write(paths, rows, None).content_hash
