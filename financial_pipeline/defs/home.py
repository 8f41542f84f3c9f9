"""Dagster's home of a data root, and the definitions as a command or a running job has them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any, Final, Protocol

import dagster as dg

from financial_pipeline.errors import PipelineError
from financial_pipeline.event_storage.command_runs import COMMAND_TAG
from financial_pipeline.files import private_folder
from financial_pipeline.paths import Paths
from financial_pipeline.settings import PROJECT_ROOT, Settings

# The start of every SQLite file that is not empty.
SQLITE_MARK: Final = b"SQLite format 3\0"
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class Loaded(Protocol):
    """Loaded definitions, of which a run needs the jobs and the asset graph."""

    def resolve_job_def(self, name: str) -> dg.JobDefinition:
        """Return a job by name."""
        ...

    def resolve_asset_graph(self) -> Any:
        """Return the asset graph."""
        ...


@dataclass(frozen=True)
class LoadedRepository:
    """The definitions of a running process of Dagster, which has loaded them already."""

    repository: dg.RepositoryDefinition

    def resolve_job_def(self, name: str) -> dg.JobDefinition:
        """Return a job by name."""
        return self.repository.get_job(name)

    def resolve_asset_graph(self) -> Any:
        """Return the asset graph."""
        return self.repository.asset_graph


def fail_killed_runs(instance: dg.DagsterInstance) -> int:
    """Fail the unfinished runs of earlier commands and free their slots; return their number.

    The caller has the lock of the commands, so none of these runs has a living process. Runs of
    `dagster dev` carry no such tag; its daemon watches them.
    """
    runs = instance.get_runs(dg.RunsFilter(tags=COMMAND_TAG, statuses=UNFINISHED))
    for run in runs:
        instance.report_run_failed(run, "The process of this run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(runs)


def prepare_home(paths: Paths) -> None:
    """Make Dagster's home under the data root, with the repository's `dagster.yaml` in it."""
    profile = "docs/dagster.postgres.yaml" if Settings().postgres_url else "dagster.yaml"
    private_folder(paths.data_root)
    paths.dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT_ROOT / profile, paths.dagster_home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(paths.dagster_home)


def _check_history(paths: Paths) -> None:
    """Raise PipelineError for a file of the history that is no database."""
    for path in sorted(paths.dagster_home.rglob("*.db")):
        with path.open("rb") as file:
            start = file.read(len(SQLITE_MARK))
        if start and start != SQLITE_MARK:
            raise PipelineError(
                f"The history of runs in {path} is damaged; remove {paths.dagster_home}, which"
                " contains no published data, and repeat the command."
            )


@contextmanager
def open_home(paths: Paths) -> Iterator[dg.DagsterInstance]:
    """Open the data root's Dagster instance; redirect standard output to the log."""
    prepare_home(paths)
    _check_history(paths)
    with (
        dg.DagsterInstance.get() as instance,
        paths.log.open("a", encoding="utf-8") as log,
        redirect_stdout(log),
    ):
        yield instance
