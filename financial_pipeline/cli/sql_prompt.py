"""Ad-hoc SQL over one published version: queries of the command line, or a prompt."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import duckdb

from financial_pipeline.cli import boundary, sql_output
from financial_pipeline.cli.sql_output import Output
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import read_only
from financial_pipeline.publishing.manifest import Manifest
from financial_pipeline.publishing.views import connect, naming_damaged

LEAVE: Final = {"exit", "quit", ".exit", ".quit"}
HISTORY: Final = "sql_history"
HISTORY_LINES: Final = 2000
GREETING: Final = (
    "DuckDB over the published tables. A statement ends with `;`, `.help` lists commands."
)
HELP: Final = """\
.tables           the published tables
.schema [TABLE]   columns and types, of all tables or of one
.help             this text
.exit             leave, as `exit` and Ctrl-D do
SELECT ... ;      a query, over one or more lines; Ctrl-C drops it"""
TABLES: Final = """
select table_schema as "schema", table_name as "table", count(*) as "columns"
from information_schema.columns
where table_schema != 'main'
group by all
order by all
"""
COLUMNS: Final = """
select table_schema || '.' || table_name as "table", column_name as "column", data_type as "type"
from information_schema.columns
where table_schema != 'main' and $table in ('', table_name, table_schema || '.' || table_name)
order by table_schema, table_name, ordinal_position
"""


def run(paths: Paths, manifest: Manifest, query: str | None, wanted: Output) -> None:
    """Write the answers to `query`, or prompt; raises PipelineError for a faulty query.

    `manifest` names the version whose tables are queried.
    """
    with connect(paths, manifest) as connection:
        if query is None:
            _prompt(connection, paths, wanted)
            return
        try:
            _answer(connection, query, wanted)
        except duckdb.Error as error:
            # One line, without the lines that point at the place in the query.
            reason = " ".join(str(error).split("\nLINE ")[0].split())
            raise PipelineError(f"DuckDB cannot answer the query: {reason}") from None


def _answer(connection: duckdb.DuckDBPyConnection, text: str, wanted: Output) -> None:
    statements = read_only.queries(connection, text)
    if wanted.file is not None and len(statements) != 1:
        raise PipelineError(f"-o FILE takes one query, not {len(statements)}.")
    for statement in statements:
        with naming_damaged(connection, statement.query):
            relation = connection.sql(statement.query)
            if relation is not None:
                sql_output.write(relation, wanted)


def _command(connection: duckdb.DuckDBPyConnection, line: str) -> None:
    name, _, argument = line.strip().rstrip(";").partition(" ")
    if name == ".help":
        print(HELP)
    elif name == ".tables":
        sql_output.write(connection.sql(TABLES), Output())
    elif name == ".schema":
        found = connection.sql(COLUMNS, params={"table": argument.strip()})
        if not found.limit(1).fetchall():
            raise PipelineError(f"No table is named {argument.strip()!r}; .tables lists them.")
        sql_output.write(found, Output())
    else:
        raise PipelineError(f"{name} is no command; .help lists them.")


def _prompt(connection: duckdb.DuckDBPyConnection, paths: Paths, wanted: Output) -> None:
    print(GREETING)
    with _line_editing(connection, paths.data_root / HISTORY):
        for statement in _statements():
            try:
                if statement.startswith("."):
                    _command(connection, statement)
                else:
                    _answer(connection, statement, wanted)
            except KeyboardInterrupt:
                print("Stopped.")
            except (duckdb.Error, PipelineError) as error:
                print(f"Error: {error}")
            except OSError as error:
                print(f"Error: {boundary.sentence(error)}")


def _statements() -> Iterator[str]:
    """Read until `exit`: commands of one line, and statements that end with `;`.

    Text without `;` before the end of the input counts as a statement.
    """
    text = ""
    while True:
        try:
            line = input("...> " if text else "sql> ")
        except EOFError:
            if text.strip():
                yield text
            return
        except KeyboardInterrupt:
            print()
            text = ""
            continue
        if not text and line.strip().lower().rstrip(";") in LEAVE:
            return
        text += f"{line}\n"
        if not text.strip():
            text = ""
        elif text.lstrip().startswith(".") or sqlite3.complete_statement(text):
            yield text.strip()
            text = ""


@contextmanager
def _line_editing(connection: duckdb.DuckDBPyConnection, history: Path) -> Iterator[None]:
    """Give the prompt a history and completion of table and column names, on a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    import readline

    rows = connection.execute(COLUMNS, {"table": ""}).fetchall()
    names = {part for table, column, _ in rows for part in (table, table.split(".")[1], column)}
    words = sorted(names | {".help", ".tables", ".schema", ".exit"})

    def complete(start: str, number: int) -> str | None:
        return next(iter([word for word in words if word.startswith(start)][number:]), None)

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n(),;=<>")
    readline.parse_and_bind("tab: complete")
    readline.set_history_length(HISTORY_LINES)
    with suppress(OSError):
        readline.read_history_file(history)
    try:
        yield
    finally:
        with suppress(OSError):
            history.touch(mode=0o600)
            readline.write_history_file(history)
