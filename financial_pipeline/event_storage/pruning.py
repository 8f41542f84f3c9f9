"""Superseded and old stored events: their space and their removal.

The newest materialization, observation and check result of each asset partition always stay, and so
do the events of runs that have not ended.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from sqlalchemy import ColumnElement, Select, and_, delete, func, literal, or_, select
from sqlalchemy.orm import aliased

from financial_pipeline.event_storage.sqlite import BatchedSqliteEventLogStorage

MADE: Final = DagsterEventType.ASSET_MATERIALIZATION.value
SEEN: Final = DagsterEventType.ASSET_OBSERVATION.value
PLANNED: Final = DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value
OF_PARTITIONS: Final = (MADE, SEEN, PLANNED)
# Bytes of a row besides its text: its other columns and its entries in five indexes.
ROW_BYTES: Final = 600
# A file with more free pages than this share is rewritten without them.
FREE_SHARE: Final = 0.1
EVENTS, CHECKS = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c


@dataclass(frozen=True)
class Space:
    """Rows or files, and their bytes."""

    count: int
    size: int


def _superseded(before: datetime) -> ColumnElement[bool]:
    """Events of a partition that a newer one replaced; a plan is replaced by its table too."""
    kind = EVENTS.dagster_event_type
    replaced = or_(_is_older_than(kind), and_(kind == PLANNED, _is_older_than(literal(MADE))))
    return and_(kind.in_(OF_PARTITIONS), EVENTS.timestamp < before, replaced)


def _is_older_than(kind: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a newer event of this type is there for the partition; the index answers it."""
    newer = aliased(SqlEventLogStorageTable)
    same = select(newer.c.id).where(
        newer.c.asset_key == EVENTS.asset_key,
        newer.c.dagster_event_type == kind,
        newer.c.partition.is_not_distinct_from(EVENTS.partition),
        newer.c.id > EVENTS.id,
    )
    return same.exists()


def _run_logs(before: datetime) -> ColumnElement[bool]:
    """Events that only the page of their run shows; check results have a table of their own."""
    kind = EVENTS.dagster_event_type
    return and_(or_(kind.is_(None), kind.not_in(OF_PARTITIONS)), EVENTS.timestamp < before)


def _old_checks(before: datetime) -> ColumnElement[bool]:
    newer = aliased(AssetCheckExecutionsTable)
    replaced = select(newer.c.id).where(
        newer.c.asset_key == CHECKS.asset_key,
        newer.c.check_name == CHECKS.check_name,
        newer.c.partition.is_not_distinct_from(CHECKS.partition),
        newer.c.id > CHECKS.id,
    )
    return and_(CHECKS.create_timestamp < before, replaced.exists())


class Events:
    """The stored events of an instance that are older than a moment and no longer needed."""

    def __init__(
        self, instance: dg.DagsterInstance, before: datetime, unfinished: Collection[str]
    ) -> None:
        self._storage: Any = instance.event_log_storage
        moment = before.astimezone(UTC).replace(tzinfo=None)
        # SQLite numbers the next row from the highest one, which therefore stays.
        newest = select(func.max(EVENTS.id)).scalar_subquery()
        kept = and_(EVENTS.run_id.not_in(list(unfinished)), EVENTS.id < newest)
        self._rules = {
            "superseded events": and_(_superseded(moment), kept),
            "logs of old runs": and_(_run_logs(moment), kept),
        }
        self._checks = _old_checks(moment)

    def found(self) -> dict[str, Space]:
        """Return the numbers of rows that `remove` would remove, by kind."""
        table = SqlEventLogStorageTable
        text_bytes = func.coalesce(func.sum(func.length(EVENTS.event)), 0)
        with self._storage.index_connection() as connection:
            counted = {
                name: connection.execute(
                    select(func.count(), text_bytes).select_from(table).where(rule)
                ).one()
                for name, rule in self._rules.items()
            }
            size = func.coalesce(func.sum(func.length(CHECKS.evaluation_event)), 0)
            counted["superseded check results"] = connection.execute(
                select(func.count(), size)
                .select_from(AssetCheckExecutionsTable)
                .where(self._checks)
            ).one()
        return {
            name: Space(int(rows), int(size) + int(rows) * ROW_BYTES)
            for name, (rows, size) in counted.items()
        }

    def remove(self) -> None:
        """Remove the events, their tags, and the check results, in one transaction."""
        with self._storage.index_transaction() as connection:
            for rule in self._rules.values():
                old: Select[Any] = select(EVENTS.id).where(rule)
                tags = AssetEventTagsTable
                connection.execute(delete(tags).where(tags.c.event_id.in_(old)))
                connection.execute(delete(SqlEventLogStorageTable).where(EVENTS.id.in_(old)))
            connection.execute(delete(AssetCheckExecutionsTable).where(self._checks))

    def runs(self) -> set[str]:
        """Return the ids of the runs that have events."""
        with self._storage.index_connection() as connection:
            return {str(row[0]) for row in connection.execute(select(EVENTS.run_id).distinct())}

    def compact(self) -> None:
        """Give free pages back to the file system; PostgreSQL does so by itself."""
        storage = self._storage
        is_file = isinstance(storage, BatchedSqliteEventLogStorage)
        if is_file and storage.free_share() > FREE_SHARE:
            storage.rewrite()
