"""The step up: Dagster event storage on PostgreSQL that also writes planned events in batches.

Stock PostgreSQL storage batches materializations only and writes every planned event, one for each
partition and asset of a backfill, on its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.schedule_storage import PostgresScheduleStorage
from dagster_postgres.utils import pg_url_from_config

from financial_pipeline.event_storage.batches import BatchedEvents, ask_for_batches, asset_events
from financial_pipeline.event_storage.clean_storage import CleanRuns, CleanTicks


class Configured:
    """Mixed into a storage on PostgreSQL: built from `dagster.yaml` as the stock one is."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Any:
        """Build the storage; events come in batches from then on, and log records are clean."""
        ask_for_batches()
        storage: Any = cls
        return storage(
            inst_data=inst_data,
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
        )


class BatchedPostgresEventLogStorage(Configured, BatchedEvents, PostgresEventLogStorage):
    """Stock PostgreSQL event storage with `store_event_batch` in one transaction."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store planned, materialization and observation events: all of them, or none."""
        # Events of assets that were not materialized; stock storage leaves them out of batches.
        wanted = [e for e in events if not e.get_dagster_event().is_asset_failed_to_materialize]
        if not wanted:
            return
        clean, rows = self._rows_without_secrets(wanted)
        insert = SqlEventLogStorageTable.insert().returning(
            SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
        )
        with self.index_transaction() as connection:
            ids = [int(row[0]) for row in connection.execute(insert, rows)]
            stored = list(zip(ids, clean, strict=True))
            self._index_asset_events(connection, asset_events(stored))
        self._store_checks(stored)


class CleanPostgresRunStorage(Configured, CleanRuns, PostgresRunStorage):
    """Stock run storage that stores no secret."""


class CleanPostgresScheduleStorage(Configured, CleanTicks, PostgresScheduleStorage):
    """Stock schedule storage that stores no secret."""
