"""DuckDB over the published Parquet: read-only views of one version, never the warehouse file."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, Final

import duckdb

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import read_only
from financial_pipeline.publishing.duckdb_session import in_memory
from financial_pipeline.publishing.manifest import Manifest, PublishedTable
from financial_pipeline.publishing.table_files import describe_damage, parquet_files

# Published layer -> schema of its views; the search path makes bare names work.
SCHEMAS = {
    "exports": "marts",
    "metrics": "metrics",
    "ml": "ml",
    "stream": "stream",
    "operations": "operations",
}
SEARCH_PATH: Final = f"set search_path = '{','.join(['main', *SCHEMAS.values()])}'"
# A kept session reads a table of at most so many rows into memory at its third query: most queries
# of a page are asked once, and those of a filter over and over.
ROWS_IN_MEMORY: Final = 3_000_000
QUERIES_BEFORE_MEMORY: Final = 3
KEPT: Final = "kept"
# DuckDB's message for a file whose pages it cannot decode.
UNREADABLE: Final = re.compile(r'Failed to read file "([^"]+)"')
KEPT_PATH: Final = (
    f"set search_path = '{','.join(f'{KEPT}.{s}' for s in ['main', *SCHEMAS.values()])}'"
)


def connect(paths: Paths, manifest: Manifest) -> duckdb.DuckDBPyConnection:
    """Open an in-memory connection with one view per published table of this version.

    Views are `marts.fct_loans`, `metrics.rolling_volatility` and so on; bare names work too. A
    table whose files are missing or damaged has no view: `naming_damaged` names it when it is
    queried, and all others answer. The session reads these tables' files and no others.
    """
    connection = _restrict(in_memory(), paths, manifest)
    connection.execute("create table damaged_tables (name varchar, sentence varchar)")
    for table in manifest.tables.values():
        if table.layer in SCHEMAS and not _create_view(connection, paths, table):
            values = (table.name, describe_damage(table))
            connection.execute("insert into damaged_tables values (?, ?)", values)
    connection.execute(SEARCH_PATH)
    return connection


def _restrict(
    connection: duckdb.DuckDBPyConnection, paths: Paths, manifest: Manifest
) -> duckdb.DuckDBPyConnection:
    """Restrict a connection to the files of these tables; it gets schemas, but no views yet."""
    for schema in SCHEMAS.values():
        connection.execute(f"create schema {schema}")
    tables = [table for table in manifest.tables.values() if table.layer in SCHEMAS]
    read_only.lock(connection, {paths.data_root / table.layer / table.name for table in tables})
    return connection


def _create_view(
    connection: duckdb.DuckDBPyConnection, paths: Paths, table: PublishedTable
) -> bool:
    """Create the view of a table; return whether its files can be read."""
    view = f"create or replace view {SCHEMAS[table.layer]}.{table.name} as"
    files = read_only.listed(parquet_files(paths, table))
    try:
        connection.execute(f"{view} select * from read_parquet({files}, union_by_name => true)")
    except duckdb.Error:
        return False
    return True


class KeptSession:
    """One version for many queries of many threads, within the restrictions of `connect`.

    The first query over a table opens a view of its files. A table that is queried repeatedly is
    read into memory, unless it is large or memory is short.
    """

    def __init__(self, paths: Paths, manifest: Manifest) -> None:
        self._paths = paths
        self._tables = manifest.tables
        connection = in_memory()
        connection.execute(f"attach ':memory:' as {KEPT} (compress)")
        connection.execute(f"use {KEPT}")
        self._connection = _restrict(connection, paths, manifest)
        self._asked: Counter[str] = Counter()
        self._in_memory: set[str] = set()
        self._lock = Lock()

    @contextmanager
    def reading(self, *keys: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor over the tables of these keys (`layer/name`).

        Raises PipelineError if the files of one of them are missing or damaged.
        """
        with self._lock:
            for key in keys:
                if not self._asked[key]:
                    self._view(key)
                self._asked[key] += 1
            often = [key for key in keys if self._asked[key] == QUERIES_BEFORE_MEMORY]
        for key in often:
            self._load(self._tables[key])
        # Two threads cannot use one connection at once.
        with self._connection.cursor() as cursor:
            # A cursor does not inherit the path.
            cursor.execute(KEPT_PATH)
            try:
                yield cursor
            except duckdb.Error:
                # Files may have been damaged since their view was made.
                with self._lock:
                    for key in {*keys} - self._in_memory:
                        self._view(key)
                raise

    def _view(self, key: str) -> None:
        if not _create_view(self._connection, self._paths, self._tables[key]):
            raise PipelineError(describe_damage(self._tables[key]))

    def _load(self, table: PublishedTable) -> None:
        """Replace a view by a table, while other threads go on with the view."""
        if table.rows > ROWS_IN_MEMORY:
            return
        name = f"{KEPT}.{SCHEMAS[table.layer]}.{table.name}"
        with self._connection.cursor() as cursor:
            cursor.begin()
            try:
                cursor.execute(f"create table {name}_rows as from {name}")
                cursor.execute(f"drop view {name}")
                cursor.execute(f"alter table {name}_rows rename to {table.name}")
                cursor.commit()
            except duckdb.Error:
                cursor.rollback()
                return
            self._in_memory.add(table.key)
            # Rows are compressed at a checkpoint; while another query runs, it waits for the next.
            with suppress(duckdb.TransactionException):
                cursor.execute(f"checkpoint {KEPT}")


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
    except duckdb.Error as error:
        if file := UNREADABLE.search(str(error)):
            raise PipelineError(
                f"The published file {file.group(1)} is missing or damaged; run"
                " `financial-pipeline demo --rebuild`."
            ) from None
        raise


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the rows of a query, with `values` for its `$names`, as column name -> value.

    Raises PipelineError if the query reads a table whose files are missing or damaged.
    """
    with naming_damaged(connection, query):
        cursor = connection.execute(query, values)
        found = cursor.fetchall()
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found]


def rows_if_published(
    connection: duckdb.DuckDBPyConnection, manifest: Manifest, needed: Set[str], query: str
) -> list[dict[str, Any]]:
    """Return the rows of a query; none if one of the `needed` tables (`layer/name`) is absent."""
    return rows(connection, query) if needed <= manifest.tables.keys() else []
