"""Fails the runs of the code server that this one replaces: `python -m` before it starts.

The processes of runs end with the container of their code server, and no other container sees them,
so without this such a run would stay "started" and keep its pool slots for ever.
"""

import json
import os

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def fail_lost_runs(instance: dg.DagsterInstance, host: str) -> int:
    """Fail the unfinished runs of the code server at a host; return their number."""
    lost = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        if json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("host") == host
    ]
    for run in lost:
        instance.report_run_failed(
            run, "The code server of this run ended, and its process with it."
        )
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(lost)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as opened:
        fail_lost_runs(opened, os.environ["CODE_HOST"])
