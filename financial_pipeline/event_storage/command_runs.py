"""Runs that a command executes in its own process, stored as if the code location had started them.

Dagster's pages for jobs, the timeline and the overview list only runs with the origin of a code
location; `execute_in_process` creates runs without one.
"""

import socket
from typing import Final

from dagster import DagsterRun
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

# The names in `workspace.yaml` and, for a location with one repository, of Dagster itself.
LOCATION: Final = "financial_pipeline"
REPOSITORY: Final = "__repository__"
# Marks the runs that a command executes in its own process.
COMMAND_TAG: Final = {"financial_pipeline/executed_by": "command"}
# The machine or container of a command: only its own processes have the numbers in its events.
HOST_TAG: Final = "financial_pipeline/host"


def command_tags() -> dict[str, str]:
    """Return the tags of a run that this process executes."""
    return {**COMMAND_TAG, HOST_TAG: socket.gethostname()}


def with_origin(run: DagsterRun) -> DagsterRun:
    """Return a run of a command with the code location's origin; any other run unchanged."""
    if run.remote_job_origin or not COMMAND_TAG.items() <= run.tags.items():
        return run
    location = RegisteredCodeLocationOrigin(LOCATION)
    origin = RemoteRepositoryOrigin(location, REPOSITORY).get_job_origin(run.job_name)
    return run.with_job_origin(origin)
