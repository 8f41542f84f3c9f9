"""Dagster event storage on SQLite that writes a batch of events in one transaction.

Stock SQLite storage commits every event twice on its own, which makes a backfill of thousands of
partitions wait for the disk and not for the work. The class leans on private methods of the stock
storage, so Dagster is pinned exactly and a test compares the stored rows with stock storage's.
"""

import json
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    AssetMaterializationPlannedData,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_shared.record import copy
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

BATCH_SIZE_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"
DEFAULT_BATCH_SIZE = 1000

StoredEvent = tuple[int, EventLogEntry]


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """Stock SQLite event storage with `store_event_batch` in one transaction per database file."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        # A batch holds the connection of the run's file while it opens the index.
        self._db_lock: Any = threading.RLock()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "BatchedSqliteEventLogStorage":
        """Build the storage from `dagster.yaml`; a relative `base_dir` is below DAGSTER_HOME.

        Dagster hands over batches only where DAGSTER_EVENT_BATCH_SIZE is set. Every process of an
        instance comes through here, so the default is set here and not in each command.
        """
        os.environ.setdefault(BATCH_SIZE_VARIABLE, str(DEFAULT_BATCH_SIZE))
        base_dir = Path(config_value["base_dir"])
        if not base_dir.is_absolute():
            base_dir = Path(os.environ["DAGSTER_HOME"]) / base_dir
        return cls(str(base_dir), inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store planned, materialization and observation events of one run.

        The run's file and the index are written in one transaction each, which end together: an
        error leaves neither, so Dagster's fallback to single events repeats nothing.
        """
        if len({event.run_id for event in events}) != 1:
            super().store_event_batch(events)
            return
        rows = self._rows(events)
        indexed = [
            (row, event) for row, event in zip(rows, events, strict=True) if _is_indexed(event)
        ]
        with self.run_connection(events[0].run_id) as run, self.index_transaction() as index:
            _insert(run, rows)
            ids = _insert(index, [row for row, _ in indexed])
            stored = [(id_, event) for id_, (_, event) in zip(ids, indexed, strict=True)]
            self._index_asset_events(
                index, [pair for pair in stored if _has_type(pair[1], ASSET_EVENTS)]
            )
        # Check rows open a connection of their own, which waits until the index is free.
        for event_id, event in stored:
            if _has_type(event, ASSET_CHECK_EVENTS):
                self.store_asset_check_event(event, event_id)

    def _rows(self, events: Sequence[EventLogEntry]) -> list[dict[str, Any]]:
        """The table rows of a batch, in its order.

        Neighbours that differ in partition and time only are serialized once: serialization is
        most of the work of a long backfill.
        """
        rows: list[dict[str, Any]] = []
        sample, alike = None, None
        for event in events:
            form = _without_partition_and_time(event)
            if sample is not None and form is not None and form == alike:
                rows.append(_row_like(rows[-1], sample, event))
            else:
                rows.append(self._event_to_row(event))
                alike = form if _is_copyable(rows[-1]["event"]) else None
            sample = event
        return rows

    def _index_asset_events(self, index: Connection, stored: Sequence[StoredEvent]) -> None:
        """Write the tags of all events, and each asset's entry once per type, oldest type first."""
        self._store_asset_event_tags(
            index, [event for _, event in stored], [id_ for id_, _ in stored]
        )
        latest = {
            (event.get_dagster_event().asset_key, event.dagster_event_type): (event_id, event)
            for event_id, event in stored
        }
        for event_id, event in sorted(latest.values(), key=lambda pair: pair[0]):
            self._store_asset_event(index, event, event_id)

    def _store_asset_check_evaluation_planned(
        self, event: EventLogEntry, event_id: int | None
    ) -> None:
        """Plan one evaluation for a whole range, as a range run evaluates a check once.

        Stock storage inserts a row per partition, each with the whole event (48 MB for 4,840
        trading days), and no later event ever updates them.
        """
        data = event.get_dagster_event().asset_check_planned_data
        if data.partitions_subset and len(data.partitions_subset) > 1:
            planned = event.get_dagster_event()._replace(
                event_specific_data=copy(data, partitions_subset=None)
            )
            event = event._replace(dagster_event=planned)
        super()._store_asset_check_evaluation_planned(event, event_id)


def _without_partition_and_time(event: EventLogEntry) -> EventLogEntry | None:
    """The event as it is for every partition, or None for one that names no plain partition."""
    dagster_event = event.get_dagster_event()
    data: Any = dagster_event.event_specific_data
    if type(dagster_event.partition) is not str:
        return None
    if isinstance(data, StepMaterializationData):
        data = data._replace(materialization=data.materialization._replace(partition=None))
    elif isinstance(data, AssetMaterializationPlannedData):
        data = data._replace(partition=None)
    else:
        return None
    bare = dagster_event._replace(event_specific_data=data)
    return event._replace(timestamp=0.0, dagster_event=bare)


def _marks(event: EventLogEntry) -> tuple[str, str]:
    """How the partition and the time of an event stand in its serialized text."""
    partition, time = event.get_dagster_event().partition, event.timestamp
    return f'"partition": {json.dumps(partition)}', f'"timestamp": {json.dumps(time)}'


def _is_copyable(text: str) -> bool:
    """Whether partition and time stand in the text once, so that exchanging them is exact."""
    return text.count('"partition": ') == 1 and text.count('"timestamp": ') == 1


def _row_like(row: dict[str, Any], sample: EventLogEntry, event: EventLogEntry) -> dict[str, Any]:
    """The row of an event that differs from `sample`, whose row is given, in partition and time."""
    text = row["event"]
    for old, new in zip(_marks(sample), _marks(event), strict=True):
        text = text.replace(old, new)
    partition = event.get_dagster_event().partition
    time = datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None)
    return row | {"event": text, "partition": partition, "timestamp": time}


def _has_type(event: EventLogEntry, types: Any) -> bool:
    return event.is_dagster_event and event.dagster_event_type in types


def _is_indexed(event: EventLogEntry) -> bool:
    """Whether stock storage mirrors the event in the index, the file that answers across runs."""
    return _has_type(event, ASSET_EVENTS) or _has_type(event, ASSET_CHECK_EVENTS)


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> range:
    """Insert event rows and return their ids, in the order of the rows.

    SQLite numbers rows one by one, and the transaction keeps every other writer out.
    """
    if not rows:
        return range(0)
    connection.execute(SqlEventLogStorageTable.insert(), rows)
    last: int = connection.execute(select(func.max(SqlEventLogStorageTable.c.id))).scalar_one()
    return range(last - len(rows) + 1, last + 1)
