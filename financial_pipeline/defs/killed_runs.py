"""Runs of a command that was killed: they hold pool slots and would block every later run."""

import dagster as dg

# Marks the runs that a command executes in its own process.
COMMAND_TAG = {"financial_pipeline/executed_by": "command"}
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def fail_killed_runs(instance: dg.DagsterInstance) -> int:
    """Fail the unfinished runs of earlier commands and free their slots; return their number.

    The caller holds the lock of the commands, so none of these runs has a living process. Runs of
    `dagster dev` carry no such tag; its daemon watches them.
    """
    unfinished = dg.RunsFilter(tags=COMMAND_TAG, statuses=UNFINISHED)
    runs = instance.get_runs(unfinished)
    for run in runs:
        instance.report_run_failed(run, "The process of this run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(runs)
