"""DuckDB over the published Parquet: read-only views of one version, never the warehouse file."""

from collections.abc import Mapping, Set
from typing import Any

import duckdb

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.published import Manifest, parquet_files

# Published layer -> schema of its views; the search path makes bare names work.
SCHEMAS = {
    "exports": "marts",
    "metrics": "metrics",
    "ml": "ml",
    "stream": "stream",
    "operations": "operations",
}


def connect(paths: Paths, manifest: Manifest) -> duckdb.DuckDBPyConnection:
    """An in-memory connection with one view per published table of this version.

    Views are `marts.fct_loans`, `metrics.rolling_volatility` and so on; bare names work too.
    """
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    connection.execute("set enable_progress_bar = false")
    for schema in SCHEMAS.values():
        connection.execute(f"create schema {schema}")
    for table in manifest.tables.values():
        files = [str(path) for path in parquet_files(paths, table)]
        if files and table.layer in SCHEMAS:
            listed = ", ".join("'" + name.replace("'", "''") + "'" for name in files)
            connection.execute(
                f"create view {SCHEMAS[table.layer]}.{table.name} as"
                f" select * from read_parquet([{listed}], union_by_name => true)"
            )
    connection.execute(f"set search_path = '{','.join(['main', *SCHEMAS.values()])}'")
    return connection


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The answer of a query, with `values` for its `$names`: column name -> value of each row."""
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows_if_published(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, needed: Set[str], query: str
) -> list[dict[str, Any]]:
    """The answer of a query; none where one of the `needed` tables (`layer/name`) is absent."""
    return rows(connection, query) if needed <= manifest.tables.keys() else []
