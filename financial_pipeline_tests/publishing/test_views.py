"""A damaged table is named when it is read, and hides no other table."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import views
from financial_pipeline.publishing.manifest import publish_tables, read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.views import KeptSession, connect, rows
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table


@pytest.mark.parametrize("damage", ["truncated", "missing", "no folder"])
def test_damaged_table_is_named_and_all_others_answer(tmp_path: Path, damage: str) -> None:
    paths = Paths(tmp_path)
    tables = [
        write_table(paths, Table("exports", name, "", ("x",)), pl.DataFrame({"x": [1]}))
        for name in ("good", "bad")
    ]
    manifest = publish_tables(paths, "batch", tables, {})
    file = parquet_files(paths, manifest.table("exports/bad"))[0]
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:10])
    else:
        file.unlink()
    if damage == "no folder":
        file.parent.rmdir()
    with connect(paths, read_manifest(paths)) as connection:
        assert rows(connection, "select x from marts.good") == [{"x": 1}]
        with pytest.raises(PipelineError, match=r"exports/bad .* missing or damaged"):
            rows(connection, "select count(*) as n from bad")
        with pytest.raises(PipelineError, match=r"exports/bad .* missing or damaged"):
            rows(connection, "select x from bad")


def test_a_file_that_is_damaged_in_its_middle_is_named(tmp_path: Path) -> None:
    paths, numbers = Paths(tmp_path), pl.DataFrame({"x": [n * n % 997 for n in range(5_000)]})
    table = write_table(paths, Table("exports", "one", "", ("x",)), numbers.with_row_index("n"))
    manifest = publish_tables(paths, "batch", [table], {})
    (file,) = parquet_files(paths, table)
    known = file.stat()
    # The first bytes of each compressed page; a failing disk changes no time.
    file.write_bytes(file.read_bytes().replace(b"\x28\xb5\x2f\xfd", bytes(4)))
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    with connect(paths, manifest) as connection:
        assert rows(connection, "select count(*) as n from one") == [{"n": 5_000}]
        with pytest.raises(
            PipelineError, match=rf"{file.name} is missing or damaged; run .* --rebuild"
        ):
            rows(connection, "select sum(x), sum(n) from one")


@pytest.mark.parametrize("most", [0, 1])
def test_kept_session_answers_threads_and_names_a_table_that_is_damaged_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(views, "ROWS_IN_MEMORY", most)
    paths = Paths(tmp_path)
    table = write_table(paths, Table("exports", "one", "", ("x",)), pl.DataFrame({"x": [1]}))
    session = KeptSession(paths, publish_tables(paths, "batch", [table], {}))

    def ask(query: str) -> list[tuple[int]]:
        with session.reading("exports/one") as cursor:
            return cursor.execute(query).fetchall()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(ask, ["select x from one", "select x from marts.one"] * 20))
    assert answers == [[(1,)]] * 40
    parquet_files(paths, table)[0].unlink()
    if most:
        assert ask("select x from one") == [(1,)]
        return
    with pytest.raises(PipelineError, match=r"exports/one .* missing or damaged"):
        ask("select x from one")


def test_a_table_for_which_memory_is_short_is_still_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    monkeypatch.setenv("FINANCIAL_PIPELINE_DUCKDB_MEMORY", "20MB")
    (tmp_path / "spill").write_text("no folder")
    paths, size = Paths(tmp_path), 1_000_000
    frame = pl.select(x=pl.int_range(size), y=pl.int_range(size).hash(), z=pl.int_range(size) * 0.1)
    table = write_table(paths, Table("exports", "one", "", ("x",)), frame)
    session = KeptSession(paths, publish_tables(paths, "batch", [table], {}))
    for _ in range(views.QUERIES_BEFORE_MEMORY + 1):
        with session.reading("exports/one") as cursor:
            assert cursor.execute("select max(x) from one").fetchall() == [(size - 1,)]
    with session.reading("exports/one") as cursor:
        kinds = cursor.execute("select view_name from duckdb_views() where not internal").fetchall()
    assert kinds == [("one",)]


@pytest.mark.parametrize(
    "query",
    [
        "from secret",
        "select * from read_text('/etc/passwd')",
        "copy one to '/tmp/one.csv'",
        "set threads = 1",
        "set enable_external_access = true",
    ],
)
def test_kept_session_is_as_restricted_as_a_session_of_its_own(tmp_path: Path, query: str) -> None:
    secret = pl.DataFrame({"word": ["do-not-read"]})
    paths = Paths(tmp_path)
    table = write_table(paths, Table("exports", "one", "", ("x",)), pl.DataFrame({"x": [1]}))
    session = KeptSession(paths, publish_tables(paths, "batch", [table], {}))
    assert secret.height == 1
    with pytest.raises(duckdb.Error), session.reading("exports/one") as cursor:
        cursor.execute(query).fetchall()
