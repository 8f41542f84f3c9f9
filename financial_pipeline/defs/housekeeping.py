"""Housekeeping: the removable part of the history of runs, its size, and its removal."""

from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from financial_pipeline.defs import leftovers, switches
from financial_pipeline.defs.operations import ENDED
from financial_pipeline.event_storage.pruning import Events, Space
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

HOUSEKEEPING_JOB: Final = "housekeeping_job"
EVERY_NIGHT: Final = "15 3 * * *"
UNFINISHED: Final = [status for status in dg.DagsterRunStatus if status not in ENDED]


class Housekeeping:
    """The history of one data root that is older than the retention."""

    def __init__(self, instance: dg.DagsterInstance, paths: Paths, days: int) -> None:
        self._instance, self._paths = instance, paths
        self._before = datetime.now(UTC) - timedelta(days=days)
        living = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        self._events = Events(instance, self._before, {run.run_id for run in living})

    def found(self) -> dict[str, Space]:
        """Return the files and events that `prune` would remove, by kind."""
        files = leftovers.found(self._paths, self._before.timestamp())
        return self._events.found() | leftovers.by_kind(files)

    def prune(self) -> dict[str, Space]:
        """Remove them, and return the removed files and events, by kind."""
        removed = self.found()
        self._events.remove()
        self._delete_empty_runs()
        self._purge_ticks()
        leftovers.remove(leftovers.found(self._paths, self._before.timestamp()))
        # A command that executes runs waits for the rewritten file.
        with locked(self._paths.dagster_home / "command.lock"):
            self._events.compact()
        return {kind: space for kind, space in removed.items() if space.count}

    def _delete_empty_runs(self) -> None:
        """Delete the old runs without an event; the others made something that is current."""
        old = dg.RunsFilter(statuses=ENDED, created_before=self._before)
        ids = {run.run_id for run in self._instance.get_runs(old)}
        for run_id in sorted(ids - self._events.runs()):
            self._instance.delete_run(run_id)

    def _purge_ticks(self) -> None:
        for state in self._instance.all_instigator_state():
            self._instance.purge_ticks(
                state.instigator_origin_id, state.selector_id, before=self._before.timestamp()
            )


@dg.op(out=dg.Out(dg.Nothing))
def prune_history(context: dg.OpExecutionContext) -> None:
    """Remove what is older than the retention; the newest of each partition stays."""
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    pruned = Housekeeping(context.instance, paths, settings.history_days).prune()
    for kind, space in pruned.items():
        context.log.info(f"{kind}: {space.count:,}, {space.size:,} bytes")


@dg.job(
    name=HOUSEKEEPING_JOB,
    executor_def=dg.in_process_executor,
    description="Remove superseded events, old logs and leftovers, as `financial-pipeline prune`.",
)
def housekeeping_job() -> None:
    """Prune the history."""
    prune_history()


@dg.definitions
def housekeeping() -> dg.Definitions:
    """Define the job and its schedule."""
    nightly = dg.ScheduleDefinition(
        name="housekeeping_daily",
        job=housekeeping_job,
        cron_schedule=EVERY_NIGHT,
        execution_timezone="America/New_York",
        default_status=switches.schedules_start(),
        description="Removes history that is older than the retention.",
    )
    return dg.Definitions(jobs=[housekeeping_job], schedules=[nightly])
