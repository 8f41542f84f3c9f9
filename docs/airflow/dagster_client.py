"""A client of Dagster's GraphQL API that launches jobs and backfills and asks for their end.

It uses the standard library only, so it runs in the environment of any other scheduler.
"""

import json
import os
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

ADDRESS_VARIABLE: Final = "FINANCIAL_PIPELINE_DAGSTER_URL"
DEFAULT_ADDRESS: Final = "http://127.0.0.1:3000"
TIMEOUT_SECONDS: Final = 60.0
# The code location of `workspace.yaml`; Dagster names its one repository so.
SELECTOR: Final = {
    "repositoryLocationName": "financial_pipeline",
    "repositoryName": "__repository__",
}
# Names the task that launched a run, so that a retry finds it.
TAG: Final = "airflow/task"
SUCCEEDED: Final = frozenset({"SUCCESS", "COMPLETED_SUCCESS"})
FAILED: Final = frozenset({"FAILURE", "FAILED", "COMPLETED_FAILED", "CANCELED"})

LAUNCH_RUN: Final = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on Error { message } ... on LaunchRunSuccess { run { runId } } } }"""
RUNS: Final = """query ($filter: RunsFilter) { runsOrError(filter: $filter) { __typename
    ... on Error { message } ... on Runs { results { runId status tags { key value } } } } }"""
RUN: Final = """query ($id: ID!) { runOrError(runId: $id) { __typename
    ... on Error { message } ... on Run { status } } }"""
ASSETS: Final = """query ($job: PipelineSelector) { assetNodes(pipeline: $job) {
    assetKey { path } partitionKeys } }"""
LAUNCH_BACKFILL: Final = """mutation ($params: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $params) { __typename ... on Error { message }
    ... on LaunchBackfillSuccess { backfillId } } }"""
BACKFILLS: Final = """{ partitionBackfillsOrError(limit: 100) { __typename ... on Error { message }
    ... on PartitionBackfills { results { id status tags { key value } } } } }"""

BACKFILL: Final = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
    ... on Error { message } ... on PartitionBackfill { status } } }"""


class DagsterFailure(Exception):
    """Dagster refused a request, or a run or backfill failed or was canceled."""


class DagsterClient:
    """One Dagster webserver; `key` in its methods names the task that launches."""

    def __init__(self, address: str | None = None) -> None:
        self.address = address or os.environ.get(ADDRESS_VARIABLE) or DEFAULT_ADDRESS

    def launch_job(self, job: str, key: str) -> str:
        """Launch a job and return the id of its run, or of the unfinished run of this key."""
        runs = self._ask(RUNS, filter={"tags": [{"key": TAG, "value": key}]})["results"]
        for run in runs:
            if _is_unfinished(run):
                return str(run["runId"])
        tags = [{"key": TAG, "value": key}]
        params = {"selector": {**SELECTOR, "jobName": job}, "executionMetadata": {"tags": tags}}
        return str(self._ask(LAUNCH_RUN, params=params)["run"]["runId"])

    def launch_backfill(self, job: str, first: str, last: str, key: str) -> str:
        """Launch a backfill of the assets of a job over its partitions from `first` to `last`.

        Return its id, or that of the unfinished backfill of this key. Raise DagsterFailure if the
        job has no such partition.
        """
        for backfill in self._ask(BACKFILLS)["results"]:
            named = {"key": TAG, "value": key} in backfill["tags"]
            if named and _is_unfinished(backfill):
                return str(backfill["id"])
        nodes = self._ask(ASSETS, job={**SELECTOR, "pipelineName": job})
        params = {
            "assetSelection": [{"path": node["assetKey"]["path"]} for node in nodes],
            "partitionNames": _between(nodes, job, first, last),
            "tags": [{"key": TAG, "value": key}],
            "title": f"{job} {first} to {last}",
        }
        return str(self._ask(LAUNCH_BACKFILL, params=params)["backfillId"])

    def run_is_finished(self, run_id: str) -> bool:
        """Return whether a run succeeded; raise DagsterFailure if it failed or is unknown."""
        found = self._ask(RUN, id=run_id)
        return self._is_finished(found["status"], f"{self.address}/runs/{run_id}")

    def backfill_is_finished(self, backfill_id: str) -> bool:
        """Return whether a backfill succeeded; raise DagsterFailure if it failed or is unknown."""
        found = self._ask(BACKFILL, id=backfill_id)
        return self._is_finished(found["status"], f"{self.address}/runs/b/{backfill_id}")

    def _is_finished(self, status: str, page: str) -> bool:
        if status in FAILED:
            raise DagsterFailure(f"Dagster reports {status}; see {page}.")
        return status in SUCCEEDED

    def _ask(self, query: str, **variables: Any) -> Any:
        """Return the one field of the answer; raise DagsterFailure if it is an error."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            answer = json.load(response)
        if "errors" in answer:
            raise DagsterFailure(f"Dagster refused the query: {answer['errors'][0]['message']}")
        [field] = answer["data"].values()
        if "message" in field:
            raise DagsterFailure(f"Dagster answered {field['__typename']}: {field['message']}")
        return field


def _is_unfinished(row: Mapping[str, Any]) -> bool:
    return row["status"] not in SUCCEEDED | FAILED


def _between(nodes: list[dict[str, Any]], job: str, first: str, last: str) -> list[str]:
    keys: list[str] = next((node["partitionKeys"] for node in nodes if node["partitionKeys"]), [])
    if first not in keys or last not in keys:
        raise DagsterFailure(f"The job {job} has no partitions from {first} to {last}.")
    return keys[keys.index(first) : keys.index(last) + 1]
