"""A killed command leaves no run that blocks the next one."""

import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from financial_pipeline.defs.home import fail_killed_runs
from financial_pipeline.event_storage.command_runs import COMMAND_TAG
from financial_pipeline_tests.conftest import PROJECT_ROOT

KILLED_IN_POOL = """
    import os, signal, sys
    import dagster as dg

    @dg.asset(pool="warehouse")
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    job = dg.Definitions(assets=[killed]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(instance=instance, tags=dict([sys.argv[1:]]))
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    shutil.copy(PROJECT_ROOT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "0")
    with dg.DagsterInstance.get() as project_instance:
        yield project_instance


def run_until_killed(*tag: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED_IN_POOL), *tag]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]


def test_killed_run_of_a_command_fails_and_frees_its_pool(instance: dg.DagsterInstance) -> None:
    [tag] = COMMAND_TAG.items()
    run_until_killed(*tag)
    storage = instance.event_log_storage
    assert storage.get_concurrency_info("warehouse").active_slot_count == 1
    assert fail_killed_runs(instance) == 1
    assert storage.get_concurrency_info("warehouse").active_slot_count == 0
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]
    assert fail_killed_runs(instance) == 0


def test_runs_that_no_command_started_are_left_to_the_daemon(instance: dg.DagsterInstance) -> None:
    run_until_killed("started_by", "daemon")
    assert fail_killed_runs(instance) == 0
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.STARTED]
