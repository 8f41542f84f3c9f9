"""A code server that starts fails the runs that ended with the one before, and no others."""

import json

import dagster as dg
import pytest
from dagster._core.storage.tags import GRPC_INFO_TAG

from financial_pipeline.event_storage.lost_runs import fail_lost_runs
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.defs.test_killed_runs import run_until_killed


@pytest.mark.parametrize(
    ("host", "port", "failed"), [("code", 4000, 1), ("other_code", 4000, 0), ("code", 4001, 0)]
)
def test_runs_of_the_code_server_before_fail_and_free_their_pools(
    instance: dg.DagsterInstance, host: str, port: int, failed: int
) -> None:
    run_until_killed(GRPC_INFO_TAG, json.dumps({"host": "code", "port": 4000}))
    assert fail_lost_runs(instance, host, port) == failed
    [run] = instance.get_runs()
    assert run.status is (dg.DagsterRunStatus.FAILURE if failed else dg.DagsterRunStatus.STARTED)
    taken = instance.event_log_storage.get_concurrency_info("warehouse").active_slot_count
    assert taken == 1 - failed
    assert fail_lost_runs(instance, host, port) == 0


def test_a_run_fails_once_the_new_server_answers(instance: dg.DagsterInstance) -> None:
    run_until_killed(GRPC_INFO_TAG, json.dumps({"host": "code", "port": 4000}))
    seen: list[dg.DagsterRunStatus] = []

    def look() -> None:
        seen.extend(run.status for run in instance.get_runs())

    fail_lost_runs(instance, "code", 4000, look)
    assert seen == [dg.DagsterRunStatus.STARTED]
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]


def test_runs_of_commands_are_left_to_the_next_command(instance: dg.DagsterInstance) -> None:
    run_until_killed("started_by", "command")
    assert fail_lost_runs(instance, "code", 4000) == 0


def test_the_entry_point_does_so_for_the_code_server_only() -> None:
    lines = (PROJECT_ROOT / "docker" / "entrypoint.sh").read_text("utf-8").splitlines()
    [found] = [line.strip() for line in lines if "lost_runs" in line]
    # In the background: the server starts meanwhile.
    assert found.startswith('"dagster code-server start "*)')
    assert found.endswith(" & ;;")
