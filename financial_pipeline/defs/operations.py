"""The published operations tables: runs, check results and freshness, from the Dagster instance.

Commands call `record` when their runs end, and the sensor of the daemon while `dagster dev` runs.
Recorded runs are left alone, so both may do it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from financial_pipeline import world
from financial_pipeline.alerts import freshness, operations
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import working_copy
from financial_pipeline.publishing.manifest import PublishedTable, is_published, read_manifest
from financial_pipeline.redaction import redact
from financial_pipeline.schemas.operations import FRESHNESS, OPERATIONS
from financial_pipeline.settings import Settings

ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
# Runs looked at per call; more than end between two ticks of a sensor.
RECENT_RUNS = 500
# Characters of a stack of causes that a table keeps.
ERROR_LENGTH = 1000


def partitions_of(run: dg.DagsterRun) -> str | None:
    """Return the partitions of a run: a key, `first to last`, or None."""
    if RANGE_START in run.tags:
        return f"{run.tags[RANGE_START]} to {run.tags[RANGE_END]}"
    return run.tags.get(PARTITION)


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def root_cause(error: Any) -> Any:
    """Return the innermost cause of a serialized error of Dagster; None for none."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error


def first_error(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """Return the root of the first error of a failed run, without secrets."""
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return None
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    for entry in instance.all_logs(run.run_id, of_type=kinds):
        event = entry.get_dagster_event()
        error = root_cause(getattr(event.event_specific_data, "error", None))
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


def descriptions(graph: Any) -> dict[dg.AssetCheckKey, str]:
    """Return the description of each check of an asset graph, for results without one."""
    specs = [graph.get_check_spec(key) for key in graph.asset_check_keys]
    return {spec.key: spec.description for spec in specs if spec.description}


def _check_row(
    run_id: str, seconds: float, found: dg.AssetCheckEvaluation, meaning: str | None
) -> dict[str, Any]:
    description = found.description or meaning
    numbers = {name: value.value for name, value in found.metadata.items()}
    return {
        "asset_key": found.asset_key.to_user_string(),
        "check_name": found.check_name,
        "partition": found.partition,
        "passed": found.passed,
        "blocking": bool(found.blocking),
        "severity": found.severity.value,
        "description": description and redact(description),
        "metadata_json": redact(json.dumps(numbers, default=str, sort_keys=True)),
        "evaluated_at": _instant(seconds),
        "run_id": run_id,
    }


def check_rows(
    instance: dg.DagsterInstance, run_id: str, meanings: Mapping[dg.AssetCheckKey, str]
) -> list[dict[str, Any]]:
    """Return the check evaluations of one run as rows of `operations/check_results`."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    rows = []
    for entry in entries:
        data: Any = entry.get_dagster_event().event_specific_data
        key = dg.AssetCheckKey(data.asset_key, data.check_name)
        rows.append(_check_row(run_id, entry.timestamp, data, meanings.get(key)))
    return rows


def _new_records(instance: dg.DagsterInstance, paths: Paths) -> Sequence[dg.RunRecord]:
    recorded = set(operations.read(paths, "runs")["run_id"])
    ended = instance.get_run_records(dg.RunsFilter(statuses=ENDED), limit=RECENT_RUNS)
    return [record for record in ended if record.dagster_run.run_id not in recorded]


def world_now(settings: Settings) -> datetime:
    """Return the instant of the freshness check: now, or the end of the last simulated day."""
    if settings.source == "simulated":
        return freshness.end_of(world.today(settings))
    return datetime.now(UTC)


def record(
    instance: dg.DagsterInstance,
    paths: Paths,
    settings: Settings,
    describe: Callable[[], Mapping[dg.AssetCheckKey, str]] = dict,
) -> int:
    """Record the runs that ended, their checks, and how fresh the published tables are.

    `describe` returns the description of each check. Return the number of new runs.
    """
    with locked(paths.data_root / ".operations.lock"):
        # The rows that other machines recorded in the same bucket stay.
        working_copy.pull(paths)
        written: list[PublishedTable | None] = []
        ended = _new_records(instance, paths)
        if ended:
            ids = [record.dagster_run.run_id for record in ended]
            meanings = describe()
            checks = [row for id_ in ids for row in check_rows(instance, id_, meanings)]
            written.append(operations.add(paths, "check_results", checks))
            runs = [_run_row(instance, record) for record in ended]
            written.append(operations.add(paths, "runs", runs))
        tables = read_manifest(paths).tables if is_published(paths) else {}
        rows = freshness.judge_all(tables, world_now(settings))
        frame = pl.DataFrame(rows, schema=FRESHNESS.columns)
        written.append(operations.replace(paths, "freshness", frame))
    for table in filter(None, written):
        metadata: dict[str, Any] = {
            "dagster/row_count": table.rows,
            "content_hash": table.content_hash,
        }
        instance.report_runless_asset_event(
            dg.AssetMaterialization(table.key.split("/"), metadata=metadata)
        )
    return len(ended)


@dg.definitions
def operations_tables() -> dg.Definitions:
    """Define the tables as assets that `record` materializes, outside of any run."""
    return dg.Definitions(
        assets=[
            dg.AssetSpec(
                ["operations", name],
                description=table.grain,
                kinds={"polars", "parquet"},
            )
            for name, table in OPERATIONS.items()
        ]
    )
