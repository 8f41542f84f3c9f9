"""Stock storages of runs and schedules that store no secret: error texts pass through redaction.

Text that a person types into the launchpad (run config, tags) is stored as typed. Log records
contain none either: the daemon logs the errors of sensors, the run worker those of steps, and no
handler of theirs is ours, so all of them get their records from one factory.
"""

import logging
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._serdes import ConfigurableClassData, deserialize_value, serialize_value

from financial_pipeline.event_storage.command_runs import with_origin
from financial_pipeline.redaction import redact, secrets

_stock = logging.getLogRecordFactory()


def clean_log_records() -> None:
    """Let every logger of this process make its records without secrets."""
    if logging.getLogRecordFactory() is not _clean_record:
        logging.setLogRecordFactory(_clean_record)


def _clean_record(*arguments: Any, **names: Any) -> logging.LogRecord:
    record = _stock(*arguments, **names)
    if not secrets():
        return record
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        # The handler tells of a message that does not fit its arguments.
        return record
    trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    if redact(text + trace) != text + trace:
        record.msg = redact("\n".join(filter(None, [text, trace])))
        record.args, record.exc_info = (), None
    return record


Value = TypeVar("Value", bound=Any)


def redact_value(value: Value) -> Value:
    """A value that Dagster can serialize, as it may be stored."""
    if not secrets():
        return value
    text = serialize_value(value)
    clean = redact(text)
    return value if clean == text else deserialize_value(clean, type(value))


def resolve_base_dir(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with a relative `base_dir` below DAGSTER_HOME."""
    # An absolute path stays as it is.
    return {**config, "base_dir": str(Path(os.environ["DAGSTER_HOME"], config["base_dir"]))}


class CleanRuns:
    """Run storage mixin: origins of commands' runs, clean errors of backfills and the daemon."""

    def add_run(self, dagster_run: Any) -> Any:
        """Store a run; a run of a command belongs to the code location."""
        return super().add_run(with_origin(dagster_run))  # type: ignore[misc]

    def add_daemon_heartbeat(self, daemon_heartbeat: Any) -> None:
        """Store the heartbeat of a loop of the daemon."""
        super().add_daemon_heartbeat(redact_value(daemon_heartbeat))  # type: ignore[misc]

    def update_backfill(self, partition_backfill: Any) -> None:
        """Store the progress of a backfill."""
        super().update_backfill(redact_value(partition_backfill))  # type: ignore[misc]


class CleanTicks:
    """Mixed into a schedule storage: errors of ticks."""

    def create_tick(self, tick_data: Any) -> Any:
        """Store a tick that starts."""
        return super().create_tick(redact_value(tick_data))  # type: ignore[misc]

    def update_tick(self, tick: Any) -> Any:
        """Store how a tick ended."""
        return super().update_tick(redact_value(tick))  # type: ignore[misc]


class CleanSqliteRunStorage(CleanRuns, SqliteRunStorage):
    """Stock run storage on SQLite."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "CleanSqliteRunStorage":
        """Build the storage from `dagster.yaml`."""
        clean_log_records()
        return cls.from_local(inst_data=inst_data, **resolve_base_dir(config_value))


class CleanSqliteScheduleStorage(CleanTicks, SqliteScheduleStorage):
    """Stock schedule storage on SQLite."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "CleanSqliteScheduleStorage":
        """Build the storage from `dagster.yaml`."""
        clean_log_records()
        storage: Any = cls.from_local(inst_data=inst_data, **resolve_base_dir(config_value))
        return storage
