"""DuckDB over the published Parquet: read-only views of one version, never the warehouse file."""

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any

import duckdb

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import read_only
from financial_pipeline.publishing.duckdb_session import in_memory
from financial_pipeline.publishing.manifest import Manifest, PublishedTable, parquet_files

# Published layer -> schema of its views; the search path makes bare names work.
SCHEMAS = {
    "exports": "marts",
    "metrics": "metrics",
    "ml": "ml",
    "stream": "stream",
    "operations": "operations",
}


def connect(paths: Paths, manifest: Manifest) -> duckdb.DuckDBPyConnection:
    """Open an in-memory connection with one view per published table of this version.

    Views are `marts.fct_loans`, `metrics.rolling_volatility` and so on; bare names work too. A
    table whose files are missing or damaged has no view: `naming_damaged` names it when it is
    queried, and all others answer. The session reads these tables' files and no others.
    """
    connection = in_memory()
    for schema in SCHEMAS.values():
        connection.execute(f"create schema {schema}")
    connection.execute("create table damaged_tables (name varchar, sentence varchar)")
    for table in manifest.tables.values():
        if table.layer in SCHEMAS:
            _create_view(connection, paths, table)
    connection.execute(f"set search_path = '{','.join(['main', *SCHEMAS.values()])}'")
    tables = [table for table in manifest.tables.values() if table.layer in SCHEMAS]
    read_only.lock(connection, {paths.data_root / table.layer / table.name for table in tables})
    return connection


def _create_view(
    connection: duckdb.DuckDBPyConnection, paths: Paths, table: PublishedTable
) -> None:
    view = f"create view {SCHEMAS[table.layer]}.{table.name} as"
    listed = ", ".join(f"'{_quoted(path)}'" for path in parquet_files(paths, table))
    try:
        connection.execute(f"{view} select * from read_parquet([{listed}], union_by_name => true)")
    except duckdb.Error:
        values = (table.name, damaged(table))
        connection.execute("insert into damaged_tables values (?, ?)", values)


@contextmanager
def naming_damaged(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[None]:
    """Turn the error of a query that reads a damaged table into a PipelineError that names it."""
    try:
        yield
    except duckdb.CatalogException:
        for name, sentence in connection.execute("from damaged_tables").fetchall():
            if name in query:
                raise PipelineError(sentence) from None
        raise


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")


def damaged(table: PublishedTable) -> str:
    """Return the sentence for a table whose files cannot be read."""
    return (
        f"The files of {table.key} in {table.folder} are missing or damaged; run the job that"
        " builds the table, or `make demo`."
    )


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the rows of a query, with `values` for its `$names`, as column name -> value.

    Raises PipelineError if the query reads a table whose files are missing or damaged.
    """
    with naming_damaged(connection, query):
        cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows_if_published(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, needed: Set[str], query: str
) -> list[dict[str, Any]]:
    """Return the rows of a query; none if one of the `needed` tables (`layer/name`) is absent."""
    return rows(connection, query) if needed <= manifest.tables.keys() else []
