"""The run monitor learns of dead processes, and of no living one."""

import json
import os
import socket
import subprocess
import sys
import time

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from financial_pipeline.event_storage.command_runs import HOST_TAG, command_tags
from financial_pipeline.event_storage.watched_launcher import WatchedRunLauncher, is_same_process

DIES = """
    import os, signal
    import dagster as dg

    @dg.asset
    def dying() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    job = dg.Definitions(assets=[dying]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(instance=instance)
"""


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    assert is_same_process(os.getpid(), time.time())
    assert not is_same_process(os.getpid(), time.time() - 30 * 24 * 3600)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert not is_same_process(dead.pid, time.time())


def test_run_of_a_dead_process_has_failed_and_that_of_this_one_has_not(
    instance: dg.DagsterInstance,
) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, WatchedRunLauncher)
    killed = "\n".join(line[4:] for line in DIES.splitlines())
    subprocess.run([sys.executable, "-c", killed], check=False, capture_output=True)
    [run] = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.STARTED
    assert launcher.check_run_worker_health(run).status is WorkerStatus.FAILED

    @dg.asset
    def living() -> dg.MaterializeResult:
        [own, _] = instance.get_runs()
        return dg.MaterializeResult(
            metadata={"status": launcher.check_run_worker_health(own).status.value}
        )

    [event] = dg.materialize([living], instance=instance).get_asset_materialization_events()
    assert event.materialization.metadata["status"].value == "RUNNING"


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ({HOST_TAG: "another-container"}, WorkerStatus.RUNNING),
        ({GRPC_INFO_TAG: json.dumps({"host": "code", "port": 4000})}, WorkerStatus.RUNNING),
        ({HOST_TAG: socket.gethostname()}, WorkerStatus.FAILED),
    ],
)
def test_runs_of_another_container_are_left_to_it(
    instance: dg.DagsterInstance, tags: dict[str, str], status: WorkerStatus
) -> None:
    killed = "\n".join(line[4:] for line in DIES.splitlines())
    subprocess.run([sys.executable, "-c", killed], check=False, capture_output=True)
    [run] = instance.get_runs()
    instance.add_run_tags(run.run_id, tags)
    [tagged] = instance.get_runs()
    assert instance.run_launcher.check_run_worker_health(tagged).status is status


def test_a_command_names_its_host() -> None:
    assert command_tags()[HOST_TAG] == socket.gethostname()
