"""A new version contains the replaced partitions, and links to the files of all others."""

from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import content_hash
from financial_pipeline.publishing.content_hash import hash_frame
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

BY_MONTH: Table[pl.DataType] = Table("metrics", "m", "", ("day", "x"), partition="day")
BY_YEAR: Table[pl.DataType] = Table(
    "metrics", "y", "", ("day", "x"), partition="day", one_file_per="year"
)
DAYS = [date(2018, 1, 1), date(2018, 6, 1), date(2019, 1, 1), date(2019, 2, 1), date(2020, 1, 1)]


def rows(*values: tuple[date, int]) -> pl.DataFrame:
    return pl.DataFrame(values, schema={"day": pl.Date, "x": pl.Int64}, orient="row")


def test_a_version_with_a_lost_file_is_damaged_and_only_written_whole(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    both = rows((DAYS[0], 1), (DAYS[2], 2))
    one = write_table(paths, BY_MONTH, both)
    parquet_files(paths, one)[0].unlink()
    assert parquet_files(paths, one) == []
    with pytest.raises(PipelineError, match=r"Files of metrics/m in .* are missing"):
        write_table(paths, BY_MONTH, both, previous=one, replaced=[str(DAYS[2])])
    keys = [str(DAYS[0]), str(DAYS[2])]
    two = write_table(paths, BY_MONTH, both, previous=one, replaced=keys)
    assert read(paths, two)["x"].to_list() == [1, 2]
    assert read(paths, write_table(paths, BY_MONTH, both, previous=one))["x"].to_list() == [1, 2]


def read(paths: Paths, table: PublishedTable) -> pl.DataFrame:
    return pl.read_parquet(parquet_files(paths, table)).sort("day", "x")


def test_replaced_partition_is_fresh_and_all_others_are_the_same_files(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    one = write_table(paths, BY_MONTH, rows((DAYS[0], 1), (DAYS[2], 2)))
    two = write_table(paths, BY_MONTH, rows((DAYS[2], 3)), previous=one, replaced=[str(DAYS[2])])
    before, after = parquet_files(paths, one), parquet_files(paths, two)
    assert [path.stem for path in after] == ["2018-01-01", "2019-01-01"]
    assert before[0].stat().st_ino == after[0].stat().st_ino
    assert read(paths, one)["x"].to_list() == [1, 2]
    assert read(paths, two)["x"].to_list() == [1, 3]
    assert two.partitions["2018-01-01"] == one.partitions["2018-01-01"]
    assert two.partitions["2019-01-01"] != one.partitions["2019-01-01"]
    assert (two.rows, two.as_of) == (2, "2019-01-01")
    assert two.content_hash == hash_frame(read(paths, two), ["day", "x"])


def test_file_of_a_year_keeps_the_partitions_that_are_not_replaced(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    one = write_table(paths, BY_YEAR, rows((DAYS[0], 1), (DAYS[1], 2), (DAYS[2], 3)))
    two = write_table(paths, BY_YEAR, rows((DAYS[0], 9)), previous=one, replaced=[str(DAYS[0])])
    assert [path.stem for path in parquet_files(paths, two)] == ["2018", "2019"]
    assert read(paths, two)["x"].to_list() == [9, 2, 3]


def test_replaced_partition_without_rows_is_empty(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    one = write_table(paths, BY_YEAR, rows((DAYS[0], 1), (DAYS[1], 2)))
    two = write_table(paths, BY_YEAR, rows(), previous=one, replaced=[str(DAYS[1])])
    assert list(two.partitions) == ["2018-01-01"]
    assert read(paths, two)["x"].to_list() == [1]


def test_table_without_rows_has_a_file_with_its_columns(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    empty = write_table(paths, BY_MONTH, rows())
    assert read(paths, empty).schema == rows().schema
    one = write_table(paths, BY_MONTH, rows((DAYS[0], 1)), previous=empty, replaced=["2018-01-01"])
    assert [path.stem for path in parquet_files(paths, one)] == ["2018-01-01"]


@pytest.mark.parametrize("table", [BY_MONTH, BY_YEAR], ids=["month", "year"])
@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.sets(st.sampled_from(DAYS), min_size=1), st.integers(0, 3))))
def test_partitions_replaced_in_any_order_equal_a_full_rebuild(
    tmp_path_factory: pytest.TempPathFactory,
    table: Table[pl.DataType],
    steps: list[tuple[set[date], int]],
) -> None:
    paths = Paths(tmp_path_factory.mktemp("root"))
    wanted = {day: [0] for day in DAYS}
    version = write_table(paths, table, rows(*((day, 0) for day in DAYS)))
    for number, (days, count) in enumerate(steps):
        fresh = [(day, number + extra) for day in days for extra in range(count)]
        keys = {str(day) for day in days}
        version = write_table(paths, table, rows(*fresh), previous=version, replaced=keys)
        wanted |= {day: [number + extra for extra in range(count)] for day in days}
    whole = rows(*((day, value) for day, values in wanted.items() for value in values))
    rebuilt = write_table(paths, table, whole)
    assert (version.content_hash, version.partitions) == (rebuilt.content_hash, rebuilt.partitions)
    assert version.content_hash == hash_frame(whole, ["day", "x"])


def test_rows_in_pieces_give_the_file_that_they_give_as_a_whole(tmp_path: Path) -> None:
    paths, day = Paths(tmp_path), str(DAYS[0])
    contract = replace(BY_MONTH, order=None)
    # So many that Polars would write them piece by piece.
    whole = pl.select(x=pl.int_range(500_000)).select(pl.lit(DAYS[0]).alias("day"), "x")
    one = write_table(paths, contract, whole, replaced=[day])
    pieces = pl.concat([whole[:100_000], whole[100_000:]], rechunk=False)
    two = write_table(paths, contract, pieces, previous=one, replaced=[day])
    (before,), (after,) = parquet_files(paths, one), parquet_files(paths, two)
    assert before.stat().st_ino == after.stat().st_ino


@pytest.mark.parametrize("contract", [BY_MONTH, BY_YEAR, replace(BY_MONTH, partition="")])
def test_files_too_large_to_be_read_at_once_are_described_alike(
    contract: Table[pl.DataType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    frame = rows(*((day, x) for x in (3, 1, 2) for day in reversed(DAYS)))
    small = write_table(paths, contract, frame)
    monkeypatch.setattr(content_hash, "BATCH_BYTES", 0)
    monkeypatch.setattr(content_hash, "TEXT_ROWS", 2)
    large = write_table(paths, contract, frame)
    assert large.content_hash == small.content_hash == hash_frame(frame, ["day", "x"])
    assert (large.partitions, large.rows, large.as_of) == (small.partitions, 15, small.as_of)


def test_relation_is_written_sorted_and_hashed_like_its_frame(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    contract: Table[pl.DataType] = Table("exports", "t", "", ("x",), event_date="day")
    frame = rows((DAYS[1], 2), (DAYS[0], 1))
    with duckdb.connect() as connection:
        table = write_table(paths, contract, connection.sql("select * from frame"))
    assert pl.read_parquet(parquet_files(paths, table))["x"].to_list() == [1, 2]
    assert (table.rows, table.as_of) == (2, "2018-06-01")
    assert table.content_hash == hash_frame(frame, ["x"])


def test_a_version_names_the_one_whose_partitions_it_replaced(tmp_path: Path) -> None:
    paths, day = Paths(tmp_path), str(DAYS[0])
    whole = write_table(paths, BY_MONTH, rows((DAYS[0], 1)))
    part = write_table(paths, BY_MONTH, rows((DAYS[0], 2)), previous=whole, replaced=[day])
    first = write_table(paths, BY_MONTH, rows((DAYS[0], 1)), replaced=[day])
    assert (whole.base, part.base, first.base) == (None, whole.folder, "")


def test_a_description_has_the_inputs_facts_and_files(tmp_path: Path) -> None:
    inputs, facts = {"exports/a": "1"}, {"passed": True}
    table = write_table(
        Paths(tmp_path),
        BY_MONTH,
        rows((DAYS[0], 1), (DAYS[2], 2)),
        built_from=inputs,
        facts=facts,
    )
    assert (table.built_from, table.facts, len(table.files)) == (inputs, facts, 2)
    bare = write_table(Paths(tmp_path), BY_MONTH, rows())
    assert (bare.built_from, bare.facts, len(bare.files), bare.rows) == ({}, {}, 1, 0)
    assert (bare.as_of, bare.partitions) == (None, {})


def test_a_partition_with_equal_rows_is_the_same_file(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    one = write_table(paths, BY_MONTH, rows((DAYS[0], 1), (DAYS[2], 2)))
    same = rows((DAYS[0], 1), (DAYS[2], 3))
    keys = [str(DAYS[0]), str(DAYS[2])]
    two = write_table(paths, BY_MONTH, same, previous=one, replaced=keys)
    pairs = zip(parquet_files(paths, one), parquet_files(paths, two), strict=True)
    assert [a.stat().st_ino == b.stat().st_ino for a, b in pairs] == [True, False]


def test_rows_of_a_file_are_sorted_unless_the_writer_orders_them(tmp_path: Path) -> None:
    def written(table: Table[pl.DataType]) -> list[int | None]:
        made = write_table(paths, table, pl.DataFrame({"x": [3, None, 1], "y": [1, 2, 3]}))
        return pl.read_parquet(parquet_files(paths, made))["x"].to_list()

    paths = Paths(tmp_path)
    assert written(Table("metrics", "a", "", ("x",))) == [None, 1, 3]
    assert written(Table("metrics", "b", "", ("y",), order=("x",))) == [1, 3, None]
    assert written(Table("metrics", "c", "", ("x",), order=None)) == [3, None, 1]


def test_columns_that_describe_the_moment_are_not_hashed(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    table: Table[pl.DataType] = Table("metrics", "a", "", ("x",), unhashed=("seen",))
    first, second = (
        write_table(paths, table, pl.DataFrame({"x": [1], "seen": [n]})) for n in (1, 2)
    )
    assert first.content_hash == second.content_hash
    other = write_table(paths, table, pl.DataFrame({"x": [2], "seen": [1]}))
    assert other.content_hash != first.content_hash
    bare = write_table(paths, table, pl.DataFrame({"x": [1]}))
    assert bare.content_hash == first.content_hash


def test_the_newest_day_is_that_of_the_event_or_of_the_partition(tmp_path: Path) -> None:
    both = pl.DataFrame({"day": DAYS[:2], "seen": [DAYS[4], DAYS[3]]})
    table: Table[pl.DataType] = Table("metrics", "a", "", ("day",), event_date="seen")
    assert write_table(Paths(tmp_path), table, both).as_of == "2020-01-01"
    assert write_table(Paths(tmp_path), replace(table, event_date=None), both).as_of is None
    by_day = replace(table, event_date=None, partition="day")
    assert write_table(Paths(tmp_path), by_day, both).as_of == "2018-06-01"


def test_a_frame_without_columns_and_a_relation_without_rows_are_files(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    table: Table[pl.DataType] = Table("metrics", "a", "", (), order=None)
    bare = write_table(paths, table, pl.DataFrame())
    assert (bare.rows, len(bare.files), bare.content_hash) == (0, 1, sha256(b"").hexdigest())
    contract: Table[pl.DataType] = Table("exports", "t", "", ("x",), event_date="day")
    frame = rows()
    with duckdb.connect() as connection:
        empty = write_table(paths, contract, connection.sql("select * from frame"))
    assert pl.read_parquet(parquet_files(paths, empty)).columns == frame.columns
    assert (empty.rows, len(empty.files), empty.as_of, empty.partitions) == (0, 1, None, {})


def test_failed_write_leaves_no_folder(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        write_table(paths, BY_MONTH, pl.DataFrame({"x": [1]}))
    assert list((tmp_path / "metrics" / "m").iterdir()) == []
