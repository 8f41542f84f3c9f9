"""Run launcher of Dagster that also detects whether the process of a run is still alive.

Dagster notices a dead run only while the code server that started it is alive. If the whole server
was killed, its runs would stay "started" and keep their pool slots for ever. Runs of a code server
on another machine are left to that machine.
"""

import json
import os
from pathlib import Path

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

PROC = Path("/proc")
# Two clocks round differently: that of the kernel and that of the events.
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
    """Return whether this machine runs it; a run of a command names no code server."""
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    return server.get("host", "localhost") in LOOPBACK


def is_same_process(pid: int, seconds: float) -> bool:
    """Return whether the process with this id at this time is alive, not one that reused the id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not (PROC / str(pid) / "stat").exists():
        # Not Linux: the number is all there is.
        return True
    # After the name, which may contain spaces: the state first, the start as the twentieth field.
    fields = (PROC / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()
    boot = next(
        float(line.split()[1])
        for line in (PROC / "stat").read_text("utf-8").splitlines()
        if line.startswith("btime")
    )
    started = boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return fields[0] != "Z" and started <= seconds + CLOCK_SECONDS
