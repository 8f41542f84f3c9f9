"""Shared parts of both batched storages: rows of a batch, their place in the index, and no secrets.

The mixin leans on private methods of Dagster's SQL storage, so Dagster is pinned exactly and tests
compare the stored rows with stock storage's.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    AssetMaterializationPlannedData,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster_shared.record import copy
from sqlalchemy.engine import Connection

from financial_pipeline.event_storage.clean_storage import clean_log_records, redact_value
from financial_pipeline.redaction import secrets

BATCH_SIZE_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"
DEFAULT_BATCH_SIZE = 1000

PLANNED: Final = DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value
StoredEvent = tuple[int, EventLogEntry]


def ask_for_batches() -> None:
    """Let Dagster hand over batches, which it does only if the variable is set.

    Every process of an instance makes its storage, so the default is set there and not in each
    command.
    """
    clean_log_records()
    os.environ.setdefault(BATCH_SIZE_VARIABLE, str(DEFAULT_BATCH_SIZE))


class BatchedEvents:
    """Mixed into a stock SQL event storage."""

    # Of the stock storage.
    _event_to_row: Any
    _store_asset_event_tags: Any
    _store_asset_event: Any
    store_asset_check_event: Any

    def store_event(self, event: EventLogEntry) -> None:
        """Store one event, without secrets."""
        super().store_event(redact_value(event))  # type: ignore[misc]

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

    def _rows_without_secrets(
        self, events: Sequence[EventLogEntry]
    ) -> tuple[Sequence[EventLogEntry], list[dict[str, Any]]]:
        """The events as they may be stored, and their rows."""
        rows = self._rows(events)
        known = secrets()
        if not any(secret in row["event"] for row in rows for secret in known):
            return events, rows
        clean = [redact_value(event) for event in events]
        return clean, self._rows(clean)

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
        _remove_fulfilled_plans(index, stored)

    def _store_checks(self, stored: Sequence[StoredEvent]) -> None:
        """Check rows open a connection of their own, so this comes after the batch is stored."""
        for event_id, event in stored:
            if _has_type(event, ASSET_CHECK_EVENTS):
                self.store_asset_check_event(event, event_id)

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
        super()._store_asset_check_evaluation_planned(event, event_id)  # type: ignore[misc]


def _remove_fulfilled_plans(index: Connection, stored: Sequence[StoredEvent]) -> None:
    """Remove the planned events of the partitions that their run has materialized by now.

    They are half of all events, and Dagster reads only those without a materialization: a partition
    of a run that has not ended, or failed.
    """
    made: dict[tuple[str, str], list[str]] = {}
    for _, event in stored:
        dagster_event = event.get_dagster_event()
        if dagster_event.is_step_materialization and type(dagster_event.partition) is str:
            asset: Any = dagster_event.asset_key
            key = (event.run_id, asset.to_string())
            made.setdefault(key, []).append(dagster_event.partition)
    for (run_id, key_text), partitions in made.items():
        columns = SqlEventLogStorageTable.c
        index.execute(
            SqlEventLogStorageTable.delete().where(
                columns.asset_key == key_text,
                columns.dagster_event_type == PLANNED,
                columns.partition.in_(partitions),
                columns.run_id == run_id,
            )
        )


def asset_events(stored: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The events that the asset index mirrors."""
    return [pair for pair in stored if _has_type(pair[1], ASSET_EVENTS)]


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
    """Return the partition and the time of an event as its serialized text has them."""
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
