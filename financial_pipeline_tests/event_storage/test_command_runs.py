"""Dagster's overview, timeline and job pages list the runs that a command executed."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.cli import execute_query

from financial_pipeline.event_storage.command_runs import COMMAND_TAG, LOCATION, REPOSITORY
from financial_pipeline_tests.conftest import PROJECT_ROOT

# The timeline groups runs by their origin; the job's page filters by the repository's label.
TIMELINE = """{ runsOrError { ... on Runs { results { jobName
    repositoryOrigin { repositoryName repositoryLocationName } } } } }"""
JOB_RUNS = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
    jobs { name runs(limit: 5) { status } } } } } }"""


@dg.asset
def days() -> None:
    """Compute nothing."""


defs = dg.Definitions(assets=[days], jobs=[dg.define_asset_job("days_job", selection=[days])])


def answers(home: Path, tags: dict[str, str]) -> tuple[object, object]:
    shutil.copy(PROJECT_ROOT / "dagster.yaml", home)
    place = LoadableTargetOrigin(module_name=__name__, attribute="defs")
    origin = InProcessCodeLocationOrigin(place, location_name=LOCATION)
    with dg.DagsterInstance.get() as instance:
        defs.resolve_job_def("days_job").execute_in_process(instance=instance, tags=tags)
        with (
            WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget([origin])) as context,
            ThreadPoolExecutor(1) as thread,
        ):
            timeline = thread.submit(execute_query, context, TIMELINE).result()
            jobs = thread.submit(execute_query, context, JOB_RUNS).result()
    [run] = timeline["data"]["runsOrError"]["results"]
    [repository] = jobs["data"]["repositoriesOrError"]["nodes"]
    runs = {job["name"]: job["runs"] for job in repository["jobs"]}
    return run["repositoryOrigin"], runs["days_job"]


def test_run_of_a_command_is_in_the_timeline_and_on_the_page_of_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    origin, runs = answers(tmp_path, COMMAND_TAG)
    assert origin == {"repositoryName": REPOSITORY, "repositoryLocationName": LOCATION}
    assert runs == [{"status": "SUCCESS"}]


def test_run_without_the_tag_of_commands_keeps_its_own_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert answers(tmp_path, {}) == (None, [])


def test_location_has_the_name_of_the_workspace() -> None:
    assert f"location_name: {LOCATION}\n" in (PROJECT_ROOT / "workspace.yaml").read_text("utf-8")
