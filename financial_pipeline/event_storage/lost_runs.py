"""Fails the runs of the code server that this one replaces: `python -m` while it starts.

The processes of runs end with the container of their code server, and no other container sees them,
so without this such a run would stay "started" and keep its pool slots for ever.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
LOOK_SECONDS = 1.0
# The daemon loads a location again some seconds after its server answers. A repetition that it
# tries before that fails for good.
LOADING_SECONDS = 30.0


def fail_lost_runs(
    instance: dg.DagsterInstance, host: str, port: int, wait: Callable[[], None] = lambda: None
) -> int:
    """Fail the unfinished runs of the code server at an address; return their number.

    `wait` returns once the new server answers: Dagster repeats a failed run at once, and only once.
    """
    server = {"host": host, "port": port}
    lost = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        if server.items() <= json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).items()
    ]
    if lost:
        wait()
    for run in lost:
        instance.report_run_failed(
            run, "The code server of this run ended, and its process with it."
        )
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(lost)


def wait_for_server(port: str) -> None:
    """Wait until the code server of this container answers, and the daemon has loaded it."""
    check = ["dagster", "api", "grpc-health-check", "-p", port]
    while subprocess.run(check, capture_output=True, check=False).returncode:
        time.sleep(LOOK_SECONDS)
    time.sleep(LOADING_SECONDS)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as opened:
        own_port = os.environ["CODE_PORT"]
        address = (os.environ["CODE_HOST"], int(own_port))
        fail_lost_runs(opened, *address, lambda: wait_for_server(own_port))
