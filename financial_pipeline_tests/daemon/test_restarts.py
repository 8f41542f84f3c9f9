"""Processes that are killed: their run is failed and repeated, and no slot stays taken."""

import os
import signal
from pathlib import Path

import pytest

from financial_pipeline_tests.daemon import runs
from financial_pipeline_tests.daemon.conftest import LOCATION, Faulty
from financial_pipeline_tests.daemon.planted import POOL
from financial_pipeline_tests.daemon.server import eventually

# The run monitor looks every 30 seconds, and what failed is repeated once.
MONITORED = 300.0


def sleeping(faulty: Faulty) -> tuple[str, int]:
    """A run that holds the slot of its pool: its id, and the process of its step."""
    faulty.plant("sleep")
    [run_id] = runs.launch(faulty.server, LOCATION, "sleeper_job")
    mark = faulty.faults / f"pid-{run_id}"
    eventually(mark.exists, "the step sleeps", MONITORED)
    assert runs.taken_slots(faulty.server, POOL) == 1
    return run_id, int(eventually(lambda: mark.read_text("utf-8"), "its process", 10))


def parent(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return int(fields[1])


def assert_failed_and_repeated(faulty: Faulty, run_id: str) -> None:
    """The killed run failed, and its repetition got the slot and ended well."""

    def repetition() -> str | None:
        rows = runs.found(faulty.server, tags=[{"key": "dagster/parent_run_id", "value": run_id}])
        return rows[0]["runId"] if rows else None

    assert runs.statuses(faulty.server, [run_id], MONITORED) == {run_id: "FAILURE"}
    again = eventually(repetition, "the run is repeated", MONITORED)
    assert runs.statuses(faulty.server, [again], MONITORED) == {again: "SUCCESS"}
    free = eventually(lambda: runs.taken_slots(faulty.server, POOL) == 0, "a free slot", MONITORED)
    assert free


@pytest.mark.full
def test_killed_run_is_failed_and_repeated_and_its_pool_is_free(faulty: Faulty) -> None:
    run_id, step = sleeping(faulty)
    worker = parent(step)
    faulty.mend("sleep")
    for pid in (worker, step):
        os.kill(pid, signal.SIGKILL)
    assert_failed_and_repeated(faulty, run_id)
