"""Runs and switches by the web interface's own API, as a click there asks for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from financial_pipeline.defs.operations import PARTITION, RANGE_END, RANGE_START
from financial_pipeline_tests.daemon.server import Server, eventually

ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
RUN_SECONDS = 600.0
LAUNCH = """mutation Launch($runs: [ExecutionParams!]!) {
    launchMultipleRuns(executionParamsList: $runs) { __typename
        ... on PythonError { message }
        ... on LaunchMultipleRunsResult { launchMultipleRunsResult { __typename
            ... on PythonError { message } ... on LaunchRunSuccess { run { runId } } } } } }"""
RUNS = """query Runs($filter: RunsFilter) { runsOrError(filter: $filter) {
    ... on Runs { results { runId status jobName tags { key value } } } } }"""
START = """mutation Start($selector: ScheduleSelector!) {
    startSchedule(scheduleSelector: $selector) { __typename ... on PythonError { message } } }"""
SLOTS = """{ instance { concurrencyLimits { concurrencyKey activeSlotCount } } }"""


def repository(location: str) -> dict[str, str]:
    """The part of every selector."""
    return {"repositoryLocationName": location, "repositoryName": "__repository__"}


def launch(
    server: Server,
    location: str,
    job: str,
    partitions: Sequence[str | None] = (None,),
    span: tuple[str, str] | None = None,
) -> list[str]:
    """Launch a run per partition, or one over a range, in one request; returns their ids."""
    selector = {**repository(location), "jobName": job}
    ranged = zip((RANGE_START, RANGE_END), span or (), strict=False)
    common = [{"key": name, "value": key} for name, key in ranged]
    runs = [
        {
            "selector": selector,
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": PARTITION, "value": key}] if key else common},
        }
        for key in partitions
    ]
    results = server.ask(LAUNCH, {"runs": runs})["launchMultipleRuns"]
    launched = results.get("launchMultipleRunsResult", [])
    assert {one["__typename"] for one in launched} == {"LaunchRunSuccess"}, results
    return [one["run"]["runId"] for one in launched]


def found(server: Server, **wanted: Any) -> list[dict[str, Any]]:
    """The runs that a filter of the API finds, newest first."""
    rows = server.ask(RUNS, {"filter": wanted})["runsOrError"]["results"]
    return [row | {"tags": {tag["key"]: tag["value"] for tag in row["tags"]}} for row in rows]


def statuses(server: Server, ids: Sequence[str], seconds: float = RUN_SECONDS) -> dict[str, str]:
    """Return the ends of the runs: id -> status."""

    def ended() -> Mapping[str, str] | None:
        now = {row["runId"]: row["status"] for row in found(server, runIds=[*ids])}
        return now if len(now) == len(ids) and set(now.values()) <= ENDED else None

    return dict(eventually(ended, f"the end of {len(ids)} runs", seconds))


def start_schedule(server: Server, location: str, name: str) -> None:
    """Switch a schedule on."""
    selector = {**repository(location), "scheduleName": name}
    assert "message" not in server.ask(START, {"selector": selector})["startSchedule"]


def taken_slots(server: Server, pool: str) -> int:
    """Count the occupied slots of a pool."""
    limits = server.ask(SLOTS)["instance"]["concurrencyLimits"]
    return sum(one["activeSlotCount"] for one in limits if one["concurrencyKey"] == pool)
