"""What the instance knows of runs and checks, written down as the published operations tables.

Commands call `record` when their runs end, the daemon's sensor calls it while `dagster dev` runs.
Both may: what is recorded already is left alone.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from financial_pipeline import world
from financial_pipeline.alerts import freshness, operations
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import is_published, read_manifest
from financial_pipeline.redaction import redact
from financial_pipeline.schemas.operations import FRESHNESS
from financial_pipeline.settings import Settings

ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
PARTITION = "dagster/partition"
SCHEDULE = "dagster/schedule_name"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
# Runs looked at per call; more than end between two ticks of a sensor.
RECENT_RUNS = 500
# Characters of a stack of causes that a table keeps.
ERROR_LENGTH = 1000


def partitions_of(run: dg.DagsterRun) -> str | None:
    """The partitions of a run: a key, `first to last`, or None."""
    if RANGE_START in run.tags:
        return f"{run.tags[RANGE_START]} to {run.tags[RANGE_END]}"
    return run.tags.get(PARTITION)


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def first_error(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """The root of the first error of a failed run, without secrets."""
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return None
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    for entry in instance.all_logs(run.run_id, of_type=kinds):
        event = entry.get_dagster_event()
        error: Any = getattr(event.event_specific_data, "error", None)
        while error is not None and error.cause is not None:
            error = error.cause
        text = (error.message if error else event.message) or ""
        if text.strip():
            return redact(text.strip())[:ERROR_LENGTH]
    return None


def _run_row(instance: dg.DagsterInstance, record: dg.RunRecord) -> dict[str, Any]:
    run = record.dagster_run
    started, ended = record.start_time, record.end_time
    return {
        "run_id": run.run_id,
        "job": run.job_name,
        "status": run.status.value,
        "started_at": _instant(started),
        "ended_at": _instant(ended),
        "seconds": ended - started if started and ended else None,
        "partitions": partitions_of(run),
        "error": first_error(instance, run),
        "assets": ", ".join(sorted(key.to_user_string() for key in run.asset_selection or ()))
        or None,
    }


def _check_row(run_id: str, seconds: float, found: dg.AssetCheckEvaluation) -> dict[str, Any]:
    numbers = {name: value.value for name, value in found.metadata.items()}
    return {
        "asset_key": found.asset_key.to_user_string(),
        "check_name": found.check_name,
        "partition": found.partition,
        "passed": found.passed,
        "blocking": bool(found.blocking),
        "severity": found.severity.value,
        "description": found.description and redact(found.description),
        "metadata_json": redact(json.dumps(numbers, default=str, sort_keys=True)),
        "evaluated_at": _instant(seconds),
        "run_id": run_id,
    }


def check_rows(instance: dg.DagsterInstance, run_id: str) -> list[dict[str, Any]]:
    """The check evaluations of one run as rows of `operations/check_results`."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    rows = []
    for entry in entries:
        data: Any = entry.get_dagster_event().event_specific_data
        rows.append(_check_row(run_id, entry.timestamp, data))
    return rows


def _new_records(instance: dg.DagsterInstance, paths: Paths) -> Sequence[dg.RunRecord]:
    recorded = set(operations.read(paths, "runs")["run_id"])
    ended = instance.get_run_records(dg.RunsFilter(statuses=ENDED), limit=RECENT_RUNS)
    return [record for record in ended if record.dagster_run.run_id not in recorded]


def world_now(settings: Settings) -> datetime:
    """The instant that freshness asks: the machine's, or the end of the last simulated day."""
    if settings.source == "simulated":
        return freshness.end_of(world.today(settings))
    return datetime.now(UTC)


def record(instance: dg.DagsterInstance, paths: Paths, settings: Settings) -> int:
    """Write down the runs that ended, their checks, and how fresh the published tables are.

    Returns how many runs were new.
    """
    with locked(paths.data_root / ".operations.lock"):
        ended = _new_records(instance, paths)
        if ended:
            ids = [record.dagster_run.run_id for record in ended]
            operations.add(
                paths, "check_results", [row for id_ in ids for row in check_rows(instance, id_)]
            )
            operations.add(paths, "runs", [_run_row(instance, record) for record in ended])
        tables = read_manifest(paths).tables if is_published(paths) else {}
        rows = freshness.judge_all(tables, world_now(settings))
        frame = pl.DataFrame(rows, schema=FRESHNESS.columns)
        operations.replace(paths, "freshness", frame)
    return len(ended)
