"""Dagster event storage in one SQLite file that writes a batch of events in one transaction.

Stock SQLite storage writes every asset event twice, into a file of its run and into an index, and
commits each on its own: a backfill of thousands of partitions waits for the disk, and its history
takes twice the space. Here the index contains everything. The files of runs that stock storage or
an earlier version wrote stay unread; `financial-pipeline prune` removes them.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.sqlite import create_db_conn_string
from dagster._serdes import ConfigurableClassData
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from financial_pipeline.event_storage.batches import (
    BatchedEvents,
    ask_for_batches,
    asset_events,
)
from financial_pipeline.event_storage.clean_storage import resolve_base_dir
from financial_pipeline.files import locked

# The name of stock storage's index, so that the history of an earlier version stays readable.
FILE: Final = "index"
# Bytes. An event has 1 to 3 kB: SQLite's pages of 4 kB would be half empty.
PAGE_SIZE: Final = 32768
BUSY_SECONDS: Final = 60


class BatchedSqliteEventLogStorage(BatchedEvents, ConsolidatedSqliteEventLogStorage):
    """Event storage in one SQLite file, with `store_event_batch` in one transaction."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._folder = Path(base_dir).absolute()
        # The web server, the daemon and a command may all create the file at once.
        with locked(self._folder / ".created.lock"):
            super().__init__(str(self._folder), inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchedSqliteEventLogStorage":
        """Build the storage from `dagster.yaml`; a relative `base_dir` is below DAGSTER_HOME."""
        ask_for_batches()
        return cls(resolve_base_dir(config_value)["base_dir"], inst_data)

    def get_db_path(self) -> str:
        """Return the path of the file."""
        return str(self._folder / f"{FILE}.db")

    def _init_db(self) -> None:
        """Create the file and its tables; the size of its pages must come before the first one."""
        with closing(sqlite3.connect(self.get_db_path())) as connection:
            connection.execute(f"pragma page_size = {PAGE_SIZE}")
            connection.execute("vacuum")
        untyped: Any = super()
        untyped._init_db()

    @property
    def _conn_string(self) -> str:
        return create_db_conn_string(str(self._folder), FILE)

    @_conn_string.setter
    def _conn_string(self, stock: str) -> None:
        """Ignore the name that stock storage gives to the file."""

    @cached_property
    def _engine(self) -> Engine:
        # Stock storage makes an engine for each of the hundreds of connections of a run.
        return create_engine(
            self._conn_string, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS}
        )

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection

    def free_share(self) -> float:
        """Return the share of the file that is free pages."""
        with closing(sqlite3.connect(self.get_db_path(), timeout=BUSY_SECONDS)) as connection:
            pages, free = (
                int(connection.execute(f"pragma {name}").fetchone()[0])
                for name in ("page_count", "freelist_count")
            )
        return free / max(pages, 1)

    def rewrite(self) -> None:
        """Write the file again without free pages; writers wait for it."""
        with closing(sqlite3.connect(self.get_db_path(), timeout=BUSY_SECONDS)) as connection:
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store planned, materialization and observation events: all of them, or none."""
        events, rows = self._rows_without_secrets(events)
        with self.index_transaction() as connection:
            stored = list(zip(_insert(connection, rows), events, strict=True))
            self._index_asset_events(connection, asset_events(stored))
        self._store_checks(stored)


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> range:
    """Insert event rows and return their ids, in the order of the rows.

    SQLite numbers rows one by one, and the transaction keeps every other writer out.
    """
    if not rows:
        return range(0)
    connection.execute(SqlEventLogStorageTable.insert(), rows)
    last: int = connection.execute(select(func.max(SqlEventLogStorageTable.c.id))).scalar_one()
    return range(last - len(rows) + 1, last + 1)
