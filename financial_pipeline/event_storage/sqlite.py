"""Dagster event storage on SQLite that writes a batch of events in one transaction.

Stock SQLite storage commits every event twice on its own, which makes a backfill of thousands of
partitions wait for the disk and not for the work.
"""

import threading
from collections.abc import Sequence
from typing import Any

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from financial_pipeline.event_storage.batches import (
    BatchedEvents,
    ask_for_batches,
    asset_events,
    is_indexed,
)
from financial_pipeline.event_storage.clean_storage import below_home


class BatchedSqliteEventLogStorage(BatchedEvents, SqliteEventLogStorage):
    """Stock SQLite event storage with `store_event_batch` in one transaction per database file."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        # A batch holds the connection of the run's file while it opens the index.
        self._db_lock: Any = threading.RLock()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchedSqliteEventLogStorage":
        """Build the storage from `dagster.yaml`; a relative `base_dir` is below DAGSTER_HOME."""
        ask_for_batches()
        return cls(below_home(config_value)["base_dir"], inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store planned, materialization and observation events of one run.

        The run's file and the index are written in one transaction each, which end together: an
        error leaves neither, so Dagster's fallback to single events repeats nothing.
        """
        if len({event.run_id for event in events}) != 1:
            super().store_event_batch(events)
            return
        events, rows = self._rows_without_secrets(events)
        indexed = [
            (row, event) for row, event in zip(rows, events, strict=True) if is_indexed(event)
        ]
        with self.run_connection(events[0].run_id) as run, self.index_transaction() as index:
            _insert(run, rows)
            ids = _insert(index, [row for row, _ in indexed])
            stored = [(id_, event) for id_, (_, event) in zip(ids, indexed, strict=True)]
            self._index_asset_events(index, asset_events(stored))
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
