"""A file that was changed after its version was written is not read; a copied one is."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import table_files
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.table_files import parquet_files, whole_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

TABLE: Table[pl.DataType] = Table("metrics", "one", "", ("x",), partition="x")


def write(paths: Paths) -> PublishedTable:
    """A table of two partitions, each a file."""
    return write_table(paths, TABLE, pl.DataFrame({"x": [1, 2], "rate": [0.1, 0.2]}))


def rewrite(file: Path, rows: pl.DataFrame) -> None:
    """Write a file a minute after its version."""
    rows.write_parquet(file, compression="zstd")
    later = file.stat().st_mtime + 60
    os.utime(file, (later, later))


def test_a_version_notes_the_hash_of_each_file(tmp_path: Path) -> None:
    table = write(Paths(tmp_path))
    assert isinstance(table.files, dict)
    assert [*table.files] == ["1.parquet", "2.parquet"]
    assert {len(digest) for digest in table.files.values()} == {64}


def test_a_file_of_other_rows_makes_the_table_unreadable(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    table = write(paths)
    first, _ = whole_files(paths, table)
    rows = pl.read_parquet(first)
    rewrite(first, rows.with_columns(rate=pl.lit(0.9)))
    assert parquet_files(paths, table) == []
    with pytest.raises(PipelineError, match=r"files of metrics/one in .* are missing or damaged"):
        whole_files(paths, table)
    rewrite(first, rows)
    assert len(whole_files(paths, table)) == 2


def test_a_file_too_many_makes_the_table_unreadable(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    table = write(paths)
    first, _ = whole_files(paths, table)
    shutil.copy2(first, first.with_name("3.parquet"))
    assert parquet_files(paths, table) == []


def test_a_copied_data_root_is_read(tmp_path: Path) -> None:
    table = write(Paths(tmp_path / "one"))
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copyfile)
    copy = Paths(tmp_path / "two")
    assert [path.name for path in whole_files(copy, table)] == ["1.parquet", "2.parquet"]
    rewrite(whole_files(copy, table)[1], pl.DataFrame({"x": [2], "rate": [0.3]}))
    assert parquet_files(copy, table) == []


def test_a_file_that_is_pruned_meanwhile_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    table = write(paths)
    listed = whole_files(paths, table)
    listed[0].unlink()
    monkeypatch.setattr(Path, "glob", lambda *_: iter(listed))
    assert parquet_files(paths, table) == []


def test_files_as_old_as_their_version_are_not_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path)
    table = write(paths)
    monkeypatch.delattr(table_files, "sha256")
    assert len(whole_files(paths, table)) == 2


def test_files_of_an_earlier_release_are_read_as_they_are(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    table = replace(write(paths), files={})
    rewrite(whole_files(paths, table)[0], pl.DataFrame({"x": [1], "rate": [0.3]}))
    assert len(whole_files(paths, table)) == 2
