"""The raw archive: files of the drop folder, stored once and unchanged."""

import dagster as dg

from financial_pipeline.defs.partitions import FILE_MONTHS, RELEASE_MONTHS, SESSIONS
from financial_pipeline.defs.raw.archiving import RETRIES, archive_files
from financial_pipeline.defs.resources import Pipeline


@dg.asset(
    key=["raw", "lending_club_loans"],
    deps=[["landing", "lending_club_loans"]],
    partitions_def=FILE_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRIES,
    tags={"domain": "lending", "family": "snapshots"},
)
def lending_club_loans(
    context: dg.AssetExecutionContext, pipeline: Pipeline
) -> dg.MaterializeResult:
    """One file per snapshot of all loans, as Lending Club or the simulator wrote it."""
    return archive_files(context, pipeline, "lending_club_loans")


@dg.asset(
    key=["raw", "lending_club_rejections"],
    deps=[["landing", "lending_club_rejections"]],
    partitions_def=FILE_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRIES,
    tags={"domain": "lending", "family": "snapshots"},
)
def lending_club_rejections(
    context: dg.AssetExecutionContext, pipeline: Pipeline
) -> dg.MaterializeResult:
    """One file of all applications that were turned down; it has no outcomes."""
    return archive_files(context, pipeline, "lending_club_rejections")


@dg.asset(
    key=["raw", "bank_prices"],
    deps=[["landing", "bank_prices"]],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRIES,
    tags={"domain": "market", "family": "prices"},
)
def bank_prices(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One file per bank and download, as Yahoo or yfinance wrote it."""
    return archive_files(context, pipeline, "bank_prices")


@dg.asset(
    key=["raw", "fred_observations"],
    deps=[["landing", "fred_observations"], ["raw", "macro_releases"]],
    partitions_def=RELEASE_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRIES,
    tags={"domain": "macro", "family": "releases"},
)
def fred_observations(
    context: dg.AssetExecutionContext, pipeline: Pipeline
) -> dg.MaterializeResult:
    """One file per series and download, vintage or landed range, as FRED or ALFRED write it."""
    return archive_files(context, pipeline, "fred_observations")
