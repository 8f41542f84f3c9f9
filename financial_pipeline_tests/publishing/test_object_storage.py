"""Publications in a bucket: one conditional put, whoever else publishes."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.bucket import Bucket
from financial_pipeline.publishing.manifest import (
    PublishedTable,
    channel_tables,
    is_published,
    publish_tables,
    read_manifest,
)
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline_tests.publishing.machines import WORLD, Machine, published, value_of
from financial_pipeline_tests.s3_service import S3Service

DAYS: Table[pl.DataType] = Table("metrics", "days", "One row a day.", ("d",), partition="d")


def test_nothing_is_published_in_an_empty_bucket(machine: Machine) -> None:
    assert not is_published(machine("here"))


def test_another_machine_reads_what_was_published(machine: Machine) -> None:
    here = machine("here")
    published(here, 7)
    there = machine("there")
    assert value_of(there) == 7
    assert there.manifest.read_bytes() == here.manifest.read_bytes()


def test_a_local_data_root_loads_no_client(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from financial_pipeline.paths import Paths;"
        "from financial_pipeline_tests.publishing.machines import published;"
        "published(Paths(Path(sys.argv[1])), 1); print('obstore' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert not Paths(tmp_path).object_storage_link.exists()


def test_of_two_writers_one_wins_and_the_other_gets_a_sentence(machine: Machine) -> None:
    published(machine("one"), 1)
    one, two = machine("one"), machine("two")
    published(one, 2)
    with pytest.raises(PipelineError, match=r"Another machine published version \d+ of the batch"):
        published(two, 3)
    assert (value_of(two), value_of(machine("reader"))) == (1, 2)
    published(machine("two"), 4)
    assert value_of(machine("reader")) == 4


def test_two_writers_in_the_same_moment(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    published(machine("start"), 1)
    both = {2: machine("one"), 3: machine("two")}
    # Both have read the manifest before one of them replaces it.
    met, replace = threading.Barrier(2), Bucket.replace
    monkeypatch.setattr(Bucket, "replace", lambda *a: (_wait(met), replace(*a))[1])
    with ThreadPoolExecutor(2) as pool:
        ended = dict(zip(both, pool.map(_sentence, both.values(), both), strict=True))
    (winner,) = [value for value, sentence in ended.items() if sentence is None]
    (loser,) = filter(None, ended.values())
    assert value_of(machine("reader")) == winner
    assert loser.startswith("Another machine published version")
    assert {value: value_of(paths) for value, paths in both.items()} == {
        value: value if value == winner else 1 for value in both
    }


def _wait(barrier: threading.Barrier) -> None:
    # The loser tries again alone.
    with suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=5)


def _sentence(paths: Paths, value: int) -> str | None:
    """Publish a value, and return the sentence of a refusal."""
    try:
        published(paths, value)
    except PipelineError as error:
        return str(error)
    return None


def test_channels_of_two_machines_move_without_each_other(machine: Machine) -> None:
    published(machine("batch"), 1)
    batch, stream = machine("batch"), machine("stream")
    published(stream, 5, "stream/parity", "stream")
    published(batch, 2)
    published(stream, 6, "stream/parity", "stream")
    # The machine of the stream keeps the batch that it started from until it pulls.
    assert value_of(stream) == 1
    reader = machine("reader")
    assert (value_of(reader), value_of(reader, "stream/parity")) == (2, 6)
    assert value_of(machine("stream")) == 2
    assert list(channel_tables(machine("batch"), "stream")) == ["stream/parity"]


def days(paths: Paths, *days: str, previous: PublishedTable | None = None) -> PublishedTable:
    """Publish a table with one row for each of these days, which replace those of `previous`."""
    rows, replaced = pl.DataFrame({"d": days}), days if previous else None
    table = write_table(paths, DAYS, rows, previous=previous, replaced=replaced)
    publish_tables(paths, "batch", [table], WORLD)
    return table


def test_files_of_an_unchanged_partition_are_copied_inside_the_bucket(
    s3: S3Service, machine: Machine
) -> None:
    here = machine("here")
    first = days(here, "2019-01-01", "2019-01-02")
    s3.requests.clear()
    days(here, "2019-01-03", previous=first)
    sent = [each.split() for each in s3.requests if each.endswith(".parquet")]
    assert sorted((verb, key.rpartition("/")[2]) for verb, key in sent) == [
        ("COPY", "2019-01-01.parquet"),
        ("COPY", "2019-01-02.parquet"),
        ("PUT", "2019-01-03.parquet"),
    ]
    reader = machine("reader")
    files = parquet_files(reader, read_manifest(reader).table(DAYS.key))
    assert pl.read_parquet(files).height == 3
