"""Two publications that replace partitions of one table: no update is lost without a word."""

from datetime import date
from pathlib import Path
from threading import Barrier, Thread

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import publish_tables, read_manifest
from financial_pipeline.publishing.publication import Publication, pending, publish
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

TABLE: Table[pl.DataType] = Table("metrics", "m", "", ("day",), partition="day")
FIRST, SECOND = date(2019, 1, 1), date(2019, 2, 1)


def replace_day(paths: Paths, run: str, day: date, value: int) -> None:
    publication = Publication(paths, run)
    rows = pl.DataFrame({"day": [day], "x": [value]})
    previous = publication.newest_if_any(TABLE.key)
    publication.register(write_table(paths, TABLE, rows, previous=previous, replaced=[str(day)]))


def values(paths: Paths) -> list[int]:
    files = parquet_files(paths, read_manifest(paths).table(TABLE.key))
    return pl.read_parquet(files).sort("day")["x"].to_list()


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    root = Paths(tmp_path)
    whole = pl.DataFrame({"day": [FIRST, SECOND], "x": [1, 2]})
    publish_tables(root, "batch", [write_table(root, TABLE, whole)], {})
    return root


def test_second_of_two_overlapping_publications_is_refused(paths: Paths) -> None:
    replace_day(paths, "a", FIRST, 10)
    replace_day(paths, "b", SECOND, 20)
    publish(paths, ["a"], {})
    with pytest.raises(PipelineError, match=r"Another run published metrics/m .* Run it again"):
        publish(paths, ["b"], {})
    assert (values(paths), pending(paths)) == ([10, 2], [])
    replace_day(paths, "b", SECOND, 20)
    publish(paths, ["b"], {})
    assert values(paths) == [10, 20]


def test_first_of_two_publications_that_join_is_published_and_the_other_named(paths: Paths) -> None:
    replace_day(paths, "a", FIRST, 10)
    replace_day(paths, "b", SECOND, 20)
    with pytest.raises(PipelineError, match="metrics/m"):
        publish(paths, ["b", "a"], {})
    assert values(paths) == [10, 2]


def test_steps_of_one_publication_continue_each_other(paths: Paths) -> None:
    replace_day(paths, "a", FIRST, 10)
    replace_day(paths, "a", SECOND, 20)
    publish(paths, ["a"], {})
    assert values(paths) == [10, 20]


def test_first_builds_of_different_partitions_do_not_replace_each_other(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    replace_day(paths, "a", FIRST, 10)
    replace_day(paths, "b", SECOND, 20)
    publish(paths, ["a"], {})
    with pytest.raises(PipelineError, match="metrics/m"):
        publish(paths, ["b"], {})


def test_of_two_writers_at_once_one_is_published_and_one_refused(paths: Paths) -> None:
    for run, day in (("a", FIRST), ("b", SECOND)):
        replace_day(paths, run, day, 10)
    start, refused = Barrier(2), []

    def write(run: str) -> None:
        start.wait()
        try:
            publish(paths, [run], {})
        except PipelineError:
            refused.append(run)

    threads = [Thread(target=write, args=(run,)) for run in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values(paths) == ([1, 10] if refused == ["a"] else [10, 2])
    assert len(refused) == 1
