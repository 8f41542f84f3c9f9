"""Batches handed to the event storage directly: mixed, copied and failing ones."""

import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import (
    AssetMaterializationPlannedData,
    AssetObservationData,
    DagsterEvent,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage

from financial_pipeline.event_storage import BatchedSqliteEventLogStorage
from financial_pipeline_tests.event_storage.test_event_storage import stored_rows


def entry(event_type: DagsterEventType, data: Any, second: float) -> EventLogEntry:
    event = DagsterEvent(event_type.value, job_name="job", event_specific_data=data)
    return EventLogEntry(None, "debug", "", "run", second, dagster_event=event)


def mixed_batch() -> list[EventLogEntry]:
    """Materializations of two assets, an observation after the last, and a plan in between."""
    made, seen = DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_OBSERVATION
    planned = DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    a, b = (StepMaterializationData(dg.AssetMaterialization(name), []) for name in "ab")
    plan = AssetMaterializationPlannedData(dg.AssetKey("a"), partition=None)
    observation = AssetObservationData(dg.AssetObservation("a"))
    batch = [(made, a), (planned, plan), (made, a), (made, b), (seen, observation)]
    return [entry(kind, data, float(second)) for second, (kind, data) in enumerate(batch)]


def test_batch_of_mixed_events_equals_stock_storage(tmp_path: Path) -> None:
    stock = SqliteEventLogStorage(str(tmp_path / "stock"))
    ours = BatchedSqliteEventLogStorage(str(tmp_path / "ours"))
    records = []
    for storage in (stock, ours):
        storage.store_event_batch(mixed_batch())
        records.append(storage.get_asset_records())
    assert len(records[0]) == 2
    assert records[1] == records[0]


def materialized(day: int, metadata: dict[str, Any]) -> EventLogEntry:
    materialization = dg.AssetMaterialization("a", partition=f"2018-01-0{day}", metadata=metadata)
    made = DagsterEventType.ASSET_MATERIALIZATION
    return entry(made, StepMaterializationData(materialization, []), day / 7)


def test_rows_that_are_copied_equal_rows_that_are_serialized(tmp_path: Path) -> None:
    storage = BatchedSqliteEventLogStorage(str(tmp_path))
    plain, misleading = {"rows": 1}, {"rows": {"partition": "2018-01-08", "timestamp": 1.0}}
    batch = [materialized(day, plain) for day in (1, 2, 3)] + mixed_batch()
    batch += [materialized(4, {"rows": 2}), *(materialized(day, misleading) for day in (7, 8, 9))]
    assert storage._rows(batch) == [storage._event_to_row(event) for event in batch]


def test_failed_batch_leaves_no_rows_for_the_fallback_to_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(BatchedSqliteEventLogStorage, "_index_asset_events", refuse)
    storage = BatchedSqliteEventLogStorage(str(tmp_path))
    with pytest.raises(sqlite3.OperationalError):
        storage.store_event_batch(mixed_batch())
    assert stored_rows(storage, "select * from event_logs") == []
