"""Processes that are killed: no tick of a schedule is doubled or lost, and no slot stays taken."""

import os
import signal
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from financial_pipeline_tests.daemon import runs
from financial_pipeline_tests.daemon.conftest import LOCATION, Faulty
from financial_pipeline_tests.daemon.planted import MINUTE, MINUTES, POOL, counted_file
from financial_pipeline_tests.daemon.server import eventually

# The run monitor looks every 30 seconds, and what failed is repeated once.
MONITORED = 300.0
TICK_SECONDS = 240.0
# Long enough that at least two ticks are due while nothing runs.
DOWN_SECONDS = 135.0
EVERY_MINUTE = [{"key": "dagster/schedule_name", "value": "every_minute"}]


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


@pytest.mark.nightly
def test_killed_run_is_failed_and_repeated_and_its_pool_is_free(faulty: Faulty) -> None:
    run_id, step = sleeping(faulty)
    worker = parent(step)
    faulty.mend("sleep")
    for pid in (worker, step):
        os.kill(pid, signal.SIGKILL)
    assert_failed_and_repeated(faulty, run_id)


@pytest.mark.nightly
def test_killed_server_frees_the_slots_of_its_runs(faulty: Faulty) -> None:
    run_id, _ = sleeping(faulty)
    faulty.server.kill()
    faulty.mend("sleep")
    faulty.server.start()
    assert_failed_and_repeated(faulty, run_id)


def counted(faulty: Faulty) -> list[datetime]:
    """The minutes that the schedule's runs materialized, each as often as it was."""
    file = counted_file(faulty.faults)
    lines = file.read_text("utf-8").split() if file.exists() else []
    return sorted(datetime.strptime(line, MINUTES) for line in lines)


@pytest.mark.nightly
def test_killed_server_loses_and_doubles_no_tick(faulty: Faulty) -> None:
    runs.start_schedule(faulty.server, LOCATION, "every_minute")
    # The schedule continues after the newest run that did not fail, so the first one has to end.
    ended = {"statuses": ["SUCCESS"], "tags": EVERY_MINUTE}
    eventually(lambda: runs.found(faulty.server, **ended), "the first tick", TICK_SECONDS)
    faulty.server.kill()
    before = counted(faulty)
    time.sleep(DOWN_SECONDS)
    faulty.server.start()
    missed = DOWN_SECONDS // 60
    after = eventually(
        lambda: seen if len(seen := counted(faulty)) > len(before) + missed + 1 else None,
        "the ticks that nobody made, and another",
        2 * TICK_SECONDS,
    )
    assert {later - earlier for earlier, later in pairwise(after)} == {MINUTE}
    assert after[: len(before)] == before
