"""Run launcher of Dagster that also detects whether the process of a run is still alive.

Dagster notices a dead run only while the code server that started it is alive. If the whole server
was killed, its runs would stay "started" and keep their pool slots for ever. Runs of a code server
or a command on another machine, or in another container, are left to that machine.
"""

import json
import socket

import dagster as dg
import psutil
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from financial_pipeline.event_storage.command_runs import HOST_TAG

# The clock of the kernel and the clock of the events round differently.
CLOCK_SECONDS = 2.0
LOOPBACK = {"localhost", "127.0.0.1"}


class WatchedRunLauncher(DefaultRunLauncher):
    """The default launcher with a health check for the run monitor."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return true: `check_run_worker_health` is implemented."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return a failure if the process that started the run is gone."""
        kinds = {dg.DagsterEventType.RUN_START}
        starts = self._instance.all_logs(run.run_id, of_type=kinds)
        pid = starts[-1].get_dagster_event().pid if starts else None
        if not _is_ours(run) or pid is None or is_same_process(pid, starts[-1].timestamp):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"The process {pid} of this run is gone.")


def _is_ours(run: dg.DagsterRun) -> bool:
    """Return whether this machine runs it; a run of a command names its host, no code server."""
    here = socket.gethostname()
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    return server.get("host", "localhost") in LOOPBACK and run.tags.get(HOST_TAG, here) == here


def is_same_process(pid: int, seconds: float) -> bool:
    """Return whether the process with this id at this time is alive, not one that reused the id."""
    try:
        process = psutil.Process(pid)
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        return is_alive and process.create_time() <= seconds + CLOCK_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
