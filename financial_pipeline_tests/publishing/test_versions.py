"""Kept versions are read as they were, and pruning leaves alone what a reader has open."""

import os
import time
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from financial_pipeline.changes import code
from financial_pipeline.cli.main import commands
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import publish_tables, read_version
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.versions import Retention, reading
from financial_pipeline.publishing.versions import names as readable
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

TABLE: Table[pl.DataType] = Table("exports", "fct_loans", "", ("x",))


def publish(paths: Paths, value: int, retention: Retention | None = None) -> str:
    table = write_table(paths, TABLE, pl.DataFrame({"x": [value] * 10}))
    return publish_tables(paths, "batch", [table], {}, (), retention or Retention()).version


def age(paths: Paths) -> None:
    """Let all files and folders be two hours old."""
    then = time.time() - 7200
    for path in paths.data_root.rglob("*"):
        os.utime(path, (then, then))


def value_of(paths: Paths, version: str) -> int:
    files = parquet_files(paths, read_version(paths, version).table(TABLE.key))
    return int(pl.read_parquet(files)["x"][0])


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def test_every_kept_version_has_its_own_rows_and_the_oldest_are_pruned(paths: Paths) -> None:
    names = []
    for value in range(8):
        names.append(publish(paths, value, Retention(versions=5)))
        age(paths)
    assert readable(paths) == names[3:]
    assert [value_of(paths, name) for name in names[3:]] == [3, 4, 5, 6, 7]
    assert len(list((paths.data_root / "exports" / "fct_loans").iterdir())) == 5


def test_version_that_was_current_a_moment_ago_stays(paths: Paths) -> None:
    one = publish(paths, 1)
    age(paths)
    two = publish(paths, 2, Retention(versions=1))
    assert readable(paths) == [one, two]


def test_version_that_is_read_is_pruned_after_its_reader_has_left(paths: Paths) -> None:
    one = publish(paths, 100)
    for value in range(6):
        publish(paths, value)
        age(paths)
    with reading(paths, one):
        publish(paths, 6, Retention(versions=1))
        age(paths)
        assert value_of(paths, one) == 100
        assert len(readable(paths)) == 3
    publish(paths, 7, Retention(versions=1))
    assert one not in readable(paths)
    folders = sorted((paths.data_root / "exports" / "fct_loans").iterdir())
    assert len(folders) == 3


def test_disk_budget_keeps_the_current_version_and_the_one_before(paths: Paths) -> None:
    names = []
    for value in range(5):
        names.append(publish(paths, value, Retention(max_bytes=0)))
        age(paths)
    assert readable(paths) == names[-2:]
    assert [value_of(paths, name) for name in names[-2:]] == [3, 4]


def test_unknown_version_lists_those_that_exist(paths: Paths) -> None:
    one, two = publish(paths, 1), publish(paths, 2)
    with pytest.raises(PipelineError, match=f"^Version 77 .* kept versions: {one}, {two}\\.$"):
        read_version(paths, "77")
    with pytest.raises(PipelineError, match="unknown or pruned"):
        read_version(paths, "../published")


def test_sql_reads_an_older_version(paths: Paths) -> None:
    one = publish(paths, 41)
    publish(paths, 42)
    root, query = str(paths.data_root), "select distinct x from fct_loans"
    for version, value in ((one, "41"), (str(int(one)), "41")):
        arguments = ["sql", "--data-root", root, "--version", version, query]
        assert value in CliRunner().invoke(commands, arguments).output
    assert "42" in CliRunner().invoke(commands, ["sql", "--data-root", root, query]).output


def test_retention_is_no_setting_of_a_mart_or_metric(tmp_path: Path) -> None:
    modules = code.read_modules(tmp_path / "code.json")
    roots = ["financial_pipeline.defs.exports.assets", "financial_pipeline.defs.metrics.assets"]
    assert code.settings_read(modules, roots, {"kept_versions", "kept_gib"}) == []
