"""A reader's session reads the published tables of its version, and nothing else on the machine."""

import duckdb
import polars as pl
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication, read_only
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.views import connect, rows
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline_tests.command import run_command

SECRET = "do-not-read"
# {out} is a folder outside of the published tables with secret.txt, .csv and .parquet, {in_} that
# of the published table `numbers`.
ESCAPES = (
    "select * from read_text('{out}/secret.txt')",
    "select * from read_blob('{out}/secret.txt')",
    "select * from read_csv('{out}/secret.csv')",
    "select * from sniff_csv('{out}/secret.csv')",
    "from '{out}/secret.csv'",
    "select * from '{out}/secret.parquet'",
    "select * from read_parquet('{out}/*.parquet')",
    "select * from parquet_metadata('{out}/secret.parquet')",
    "select * from read_json('{out}/secret.csv')",
    "select * from glob('{out}/*')",
    "select * from read_text('{in_}/../../../secret.txt')",
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('http://192.0.2.1/x.csv')",
    "select * from query('select * from read_text(''{out}/secret.txt'')')",
    "select * from numbers where (select count(*) from read_text('{out}/secret.txt')) > 0",
    "select * from own_frame",
    "copy numbers to '{out}/stolen.csv'",
    "copy numbers to '{in_}/stolen.csv'",
    "copy (select 1) to '{in_}/stolen.parquet' (format parquet)",
    "explain analyze copy numbers to '{in_}/stolen.csv'",
    "explain /* x */ analyze copy numbers to '{in_}/stolen.csv'",
    "explain (analyze) copy numbers to '{in_}/stolen.csv'",
    "select 1; copy numbers to '{in_}/stolen.csv'",
    "export database '{out}/stolen'",
    "import database '{out}/stolen'",
    "attach '{out}/stolen.duckdb'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset enable_external_access",
    "set allowed_directories = ['/']",
    "pragma enable_external_access = true",
    "call pragma_database_size()",
    "drop view marts.numbers",
    "create or replace view marts.numbers as select 2 as n",
    "create table mine as select * from numbers",
    "with gone as (insert into damaged_tables values ('numbers', 'x') returning 1) from gone",
    "insert into damaged_tables values ('numbers', 'x')",
    "create secret (type s3, key_id 'a', secret 'b')",
    "create macro m() as 1",
    "prepare p as copy numbers to '{in_}/stolen.csv'",
    "begin; drop view marts.numbers; commit",
    "use memory",
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """One published table `numbers`, and secrets next to the published layers."""
    paths = Paths(tmp_path_factory.mktemp("root"))
    frame = pl.DataFrame({"n": [1, 2, 3]})
    table = write_table(paths, Table("exports", "numbers", "", ("n",), order=None), frame)
    publication.Publication(paths, "test").register(table)
    publication.publish(paths, ["test"], {"source": "files"})
    for name in ("secret.txt", "secret.csv"):
        (paths.data_root / name).write_text(f"word\n{SECRET}\n")
    pl.DataFrame({"word": [SECRET]}).write_parquet(paths.data_root / "secret.parquet")
    return paths


def _files(paths: Paths) -> list[str]:
    return sorted(str(path) for path in paths.data_root.rglob("*"))


def _run(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    for statement in read_only.queries(connection, text):
        connection.sql(statement.query).fetchall()


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_query_leaves_the_published_tables(paths: Paths, escape: str) -> None:
    own_frame = pl.DataFrame({"word": [SECRET]})
    folder = paths.data_root / "exports" / "numbers"
    text, before = escape.format(out=paths.data_root, in_=folder), _files(paths)
    assert own_frame.height == 1
    with connect(paths, read_manifest(paths)) as connection:
        with pytest.raises((PipelineError, duckdb.Error)) as error:
            _run(connection, text)
        assert SECRET not in str(error.value)
        assert rows(connection, "select sum(n)::int as total from numbers") == [{"total": 6}]
        assert connection.execute("select count(*) from damaged_tables").fetchall() == [(0,)]
    assert _files(paths) == before


@pytest.mark.parametrize(
    "setting", ["enable_external_access = true", "lock_configuration = false", "threads = 1"]
)
def test_settings_are_locked_also_without_the_check_of_statements(
    paths: Paths, setting: str
) -> None:
    with (
        connect(paths, read_manifest(paths)) as connection,
        pytest.raises(duckdb.InvalidInputException, match="locked"),
    ):
        connection.execute(f"set {setting}")


@pytest.mark.parametrize(
    "query",
    [
        "from numbers",
        "describe numbers",
        "show all tables",
        "summarize numbers",
        "explain select * from numbers",
        "pivot numbers on n using count(*)",
        "with few as (select n from numbers where n > 1) select sum(n) from few",
        "select 'drop view x; (delete' as words, \"n\" from numbers -- (insert",
        "select n from numbers /* copy */; select 2",
    ],
)
def test_queries_are_answered(paths: Paths, query: str) -> None:
    with connect(paths, read_manifest(paths)) as connection:
        statements = read_only.queries(connection, query)
        assert all(connection.sql(one.query).fetchall() for one in statements)


def test_the_command_refuses_in_one_sentence(paths: Paths) -> None:
    done = run_command(paths.data_root, "sql", "drop view numbers")
    assert (done.exit_code, done.output) == (1, "")
    assert done.errors == (
        "Error: This session only reads published tables, so DROP is refused; write a SELECT, or"
        " keep the answer with -o FILE.\n"
    )
