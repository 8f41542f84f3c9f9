"""The operations tables: results of runs and checks, and freshness, as the Health page reads them.

Times are UTC instants to the microsecond, dates are event dates of the configured world.
"""

from typing import Final

import polars as pl

from financial_pipeline.schemas.contract import Table

CHECK_RESULTS: Final[Table[pl.DataType]] = Table(
    layer="operations",
    name="check_results",
    grain="One row per evaluation of an asset check; a check without a partition spoke for all.",
    keys=("run_id", "asset_key", "check_name", "partition"),
    columns={
        "asset_key": pl.String(),
        "check_name": pl.String(),
        "partition": pl.String(),
        "passed": pl.Boolean(),
        "blocking": pl.Boolean(),
        # ERROR or WARN.
        "severity": pl.String(),
        "description": pl.String(),
        # The numbers behind the result, a JSON object.
        "metadata_json": pl.String(),
        "evaluated_at": pl.Datetime("us", "UTC"),
        "run_id": pl.String(),
    },
    # Newest last.
    order=("evaluated_at",),
)

RUNS: Final[Table[pl.DataType]] = Table(
    layer="operations",
    name="runs",
    grain="One row per run that ended.",
    keys=("run_id",),
    columns={
        "run_id": pl.String(),
        "job": pl.String(),
        # SUCCESS, FAILURE or CANCELED.
        "status": pl.String(),
        "started_at": pl.Datetime("us", "UTC"),
        "ended_at": pl.Datetime("us", "UTC"),
        "seconds": pl.Float64(),
        # A partition key, `first to last`, or null for a run without partitions.
        "partitions": pl.String(),
        # The first cause of a failed run.
        "error": pl.String(),
        # Assets that the run was asked for where it was not the whole job, comma-separated.
        "assets": pl.String(),
    },
    # Newest last.
    order=("ended_at",),
)

FRESHNESS: Final[Table[pl.DataType]] = Table(
    layer="operations",
    name="freshness",
    grain="One row per published table: whether its newest event is as new as it should be.",
    keys=("asset_key",),
    columns={
        "asset_key": pl.String(),
        "newest_event_date": pl.Date(),
        # The event date that should be there by the world's clock; null without a policy.
        "expected_by": pl.Date(),
        # fresh, overdue or unknown.
        "state": pl.String(),
        "reason": pl.String(),
    },
    # Newest last.
    order=("asset_key",),
)

OPERATIONS: Final[dict[str, Table[pl.DataType]]] = {
    "check_results": CHECK_RESULTS,
    "runs": RUNS,
    "freshness": FRESHNESS,
}
