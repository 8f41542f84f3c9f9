"""Open incidents: failed runs, failed checks, sensor errors and overdue tables.

Signs of one fault are one incident: all partitions on which a job fails, all on which a check
fails. It is over when every one of them succeeded since.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import polars as pl

from financial_pipeline.alerts import operations
from financial_pipeline.alerts.incidents import Incident
from financial_pipeline.defs.operations import root_cause
from financial_pipeline.paths import Paths
from financial_pipeline.redaction import redact

# Partitions that the sentence of an incident names.
NAMED = 5
ENDED_TICKS = {"SUCCESS", "FAILURE", "SKIPPED"}
# The newest tick may still be running.
TICKS_READ = 2
Row = dict[str, Any]


def found(instance: dg.DagsterInstance, paths: Paths) -> list[Incident]:
    """Every incident that is open now."""
    return [
        *failed_runs(operations.read(paths, "runs")),
        *failed_checks(operations.read(paths, "check_results")),
        *sensor_errors(instance),
        *overdue(operations.read(paths, "freshness")),
    ]


def _span(row: Row) -> tuple[str, str]:
    first, _, last = (row["partitions"] or "").partition(" to ")
    return first, last or first


def _covers(later: Row, failed: Row) -> bool:
    """Return whether a run covers the partitions and assets of the failed one."""
    (first, last), (low, high) = _span(failed), _span(later)
    wanted, done = (set((row["assets"] or "").split(", ")) for row in (failed, later))
    return low <= first and last <= high and (wanted <= done or later["assets"] is None)


def failed_runs(runs: pl.DataFrame) -> Iterator[Incident]:
    """Jobs with a failed run that no later successful run covers; `runs` is sorted by time."""
    for (job,), part in runs.group_by(["job"], maintain_order=True):
        rows = part.to_dicts()
        open_: list[Row] = []
        for row in rows:
            if row["status"] == "SUCCESS":
                open_ = [failed for failed in open_ if not _covers(row, failed)]
            elif row["status"] == "FAILURE":
                open_.append(row)
        if open_:
            spans = _list_partitions([row["partitions"] for row in open_])
            yield Incident(
                "failed run", str(job), f"{job} failed{spans}: {open_[-1]['error'] or 'no reason'}"
            )


def failed_checks(results: pl.DataFrame) -> Iterator[Incident]:
    """Checks whose newest result failed, on any partition; `results` is sorted by time."""
    newest = results.unique(["asset_key", "check_name", "partition"], keep="last")
    failing = newest.filter(~pl.col("passed")).sort("asset_key", "check_name", "partition")
    keys = ["asset_key", "check_name"]
    for (asset, check), part in failing.group_by(keys, maintain_order=True):
        spans = _list_partitions(part["partition"].to_list())
        said = part["description"].drop_nulls().to_list()
        reason = said[0] if said else f"found {part['metadata_json'][0]}"
        subject = f"{asset} {check}"
        yield Incident("failed check", subject, f"{check} of {asset} failed{spans}: {reason}")


def _list_partitions(partitions: Sequence[str | None]) -> str:
    names = sorted({name for name in partitions if name})
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" on {', '.join(names[:NAMED])}{more}" if names else ""


def sensor_errors(instance: dg.DagsterInstance) -> Iterator[Incident]:
    """Schedules and sensors whose newest tick ended with an error."""
    for state in instance.all_instigator_state():
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=TICKS_READ)
        ended = [tick for tick in ticks if tick.status.value in ENDED_TICKS]
        if ended and ended[0].status.value == "FAILURE":
            error = root_cause(ended[0].error)
            reason = redact(error.message.strip()) if error else "no reason"
            name = state.instigator_name
            yield Incident("sensor error", name, f"The last tick of {name} failed: {reason}")


def overdue(freshness: pl.DataFrame) -> Iterator[Incident]:
    """Tables whose newest event is older than it should be by the world's clock."""
    for row in freshness.filter(pl.col("state") == "overdue").iter_rows(named=True):
        key = row["asset_key"]
        yield Incident("overdue data", key, f"{key} is overdue: {row['reason']}")
