"""A new version contains the replaced partitions, and links to the files of all others."""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import hash_frame
from financial_pipeline.publishing.manifest import PublishedTable, parquet_files
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


def test_relation_is_written_sorted_and_hashed_like_its_frame(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    contract: Table[pl.DataType] = Table("exports", "t", "", ("x",), event_date="day")
    frame = rows((DAYS[1], 2), (DAYS[0], 1))
    with duckdb.connect() as connection:
        table = write_table(paths, contract, connection.sql("select * from frame"))
    assert pl.read_parquet(parquet_files(paths, table))["x"].to_list() == [1, 2]
    assert (table.rows, table.as_of) == (2, "2018-06-01")
    assert table.content_hash == hash_frame(frame, ["x"])


def test_failed_write_leaves_no_folder(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        write_table(paths, BY_MONTH, pl.DataFrame({"x": [1]}))
    assert list((tmp_path / "metrics" / "m").iterdir()) == []
