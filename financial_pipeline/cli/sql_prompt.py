"""Ad-hoc SQL over the published version: one query, or a prompt that reads until `exit`."""

import sys

import duckdb

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_version
from financial_pipeline.publishing.versions import reading
from financial_pipeline.publishing.views import connect, naming_damaged

MAX_ROWS = 10_000
LEAVE = {"exit", "quit", ".exit", ".quit"}


def _show(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    with naming_damaged(connection, query):
        relation = connection.sql(query)
        if relation is not None:
            relation.show(max_width=200, max_rows=MAX_ROWS)


def run(paths: Paths, query: str | None, version: str | None = None) -> None:
    """Print the answer to `query`, or prompt; raises PipelineError for a faulty query."""
    manifest = read_version(paths, version)
    with reading(paths, manifest.version), connect(paths, manifest) as connection:
        if query is not None:
            try:
                _show(connection, query)
            except duckdb.Error as error:
                raise PipelineError(f"DuckDB cannot answer the query: {error}") from None
            return
        _prompt(connection)


def _prompt(connection: duckdb.DuckDBPyConnection) -> None:
    print("DuckDB over the published tables; `show all tables` lists them, `exit` leaves.")
    while True:
        print("sql> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip().lower() in LEAVE:
            return
        try:
            if line.strip():
                _show(connection, line)
        except (duckdb.Error, PipelineError) as error:
            print(f"Error: {error}")
