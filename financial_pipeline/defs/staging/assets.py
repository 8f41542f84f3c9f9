"""Typed Parquet staging: one file per partition, and every line of every raw file accounted for."""

from collections.abc import Sequence

import dagster as dg

from financial_pipeline.defs import partition_checks, partition_events
from financial_pipeline.defs.partitions import (
    APPLICATION_MONTHS,
    FILE_MONTHS,
    ISSUE_MONTHS,
    OBSERVATION_MONTHS,
    SESSIONS,
    window,
)
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.defs.staging.staging_step import accounting_check, stage_files
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.staging import fred, loans, prices, rejections
from financial_pipeline.staging.accounting import StagingSummary

NO_HOLE = "no_bank_has_a_hole"


@dg.asset(
    key=["staging", "lending_club_loan_snapshots"],
    deps=[["raw", "lending_club_loans"]],
    partitions_def=FILE_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    tags={"domain": "lending", "family": "snapshots"},
    check_specs=accounting_check("lending_club_loan_snapshots"),
)
def lending_club_loan_snapshots(
    context: dg.AssetExecutionContext, pipeline: Pipeline
) -> dg.MaterializeResult:
    """One row per loan and snapshot month: status and balances of that month.

    Source: the raw loan files. A loan without an upstream id is keyed by a fingerprint.
    """
    first, last = window(context)

    def stage(files: Sequence[RawFile]) -> StagingSummary:
        return loans.stage_snapshots(pipeline.paths, files, first, last, pipeline.settings)

    def is_judged(file: RawFile) -> bool:
        month = file.landed.snapshot_date
        return month is not None and first <= month <= last

    table = "lending_club_loan_snapshots"
    result = stage_files(pipeline, "lending_club_loans", stage, is_judged, table)
    return partition_events.describe(context, result)


@dg.asset(
    key=["staging", "lending_club_loans"],
    deps=[
        dg.AssetDep(
            ["staging", "lending_club_loan_snapshots"],
            partition_mapping=dg.AllPartitionMapping(),
        )
    ],
    partitions_def=ISSUE_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    tags={"domain": "lending", "family": "loans"},
    check_specs=accounting_check("lending_club_loans"),
)
def lending_club_loans(
    context: dg.AssetExecutionContext, pipeline: Pipeline
) -> dg.MaterializeResult:
    """One row per loan, from the latest snapshot that contains it, all 151 columns typed.

    Known gaps: no borrower identity; columns that upstream added later are null before.
    """
    first, last = window(context)

    def stage(files: Sequence[RawFile]) -> StagingSummary:
        return loans.stage_issue_months(pipeline.paths, files, first, last, pipeline.settings)

    # The snapshots asset has checked these files.
    result = stage_files(pipeline, "lending_club_loans", stage, lambda _: False)
    return partition_events.describe(context, result)


@dg.asset(
    key=["staging", "lending_club_rejections"],
    deps=[
        dg.AssetDep(["raw", "lending_club_rejections"], partition_mapping=dg.AllPartitionMapping())
    ],
    partitions_def=APPLICATION_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    tags={"domain": "lending", "family": "rejections"},
    check_specs=accounting_check("lending_club_rejections"),
)
def lending_club_rejections(
    context: dg.AssetExecutionContext, pipeline: Pipeline
) -> dg.MaterializeResult:
    """One row per rejected application; the risk score is missing for most of them."""
    first, last = window(context)

    def stage(files: Sequence[RawFile]) -> StagingSummary:
        return rejections.stage_rejections(pipeline.paths, files, first, last, pipeline.settings)

    return partition_events.describe(
        context, stage_files(pipeline, "lending_club_rejections", stage)
    )


@dg.asset(
    key=["staging", "bank_prices"],
    deps=[["raw", "bank_prices"]],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    tags={"domain": "market", "family": "prices"},
    check_specs=[
        *accounting_check("bank_prices"),
        partition_checks.spec(
            NO_HOLE,
            ["staging", "bank_prices"],
            "Every bank has a price in every session between its first and its last one.",
            SESSIONS,
        ),
    ],
)
def bank_prices(context: dg.AssetExecutionContext, pipeline: Pipeline) -> partition_checks.Results:
    """One row per bank and session: raw and adjusted prices kept apart.

    Known gaps: an open, high or low that upstream wrote as 0.0 is null.
    """
    first, last = window(context)

    faults: dict[str, str] = {}

    def stage(files: Sequence[RawFile]) -> StagingSummary:
        summary = prices.stage_prices(pipeline.paths, files, pipeline.settings, first, last)
        faults.update(summary.faults)
        return summary

    result = stage_files(pipeline, "bank_prices", stage)
    check = partition_checks.outcome(context, NO_HOLE, faults)
    yield from partition_checks.per_partition(context, result, check, faults)


@dg.asset(
    key=["staging", "fred_observations"],
    deps=[dg.AssetDep(["raw", "fred_observations"], partition_mapping=dg.AllPartitionMapping())],
    partitions_def=OBSERVATION_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    tags={"domain": "macro", "family": "macro"},
    check_specs=accounting_check("fred_observations"),
)
def fred_observations(
    context: dg.AssetExecutionContext, pipeline: Pipeline
) -> dg.MaterializeResult:
    """One row per series, observation date and realtime interval.

    Source: FRED or ALFRED files. Without vintages the release date follows a rule.
    """
    first, last = window(context)

    def stage(files: Sequence[RawFile]) -> StagingSummary:
        return fred.stage_fred(pipeline.paths, files, pipeline.settings, first, last)

    return partition_events.describe(context, stage_files(pipeline, "fred_observations", stage))
