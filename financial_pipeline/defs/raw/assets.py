"""The raw archive: files of the drop folder, stored once and unchanged."""

import dagster as dg

from financial_pipeline.defs import partition_events
from financial_pipeline.defs.partitions import FILE_MONTHS, RELEASE_MONTHS, SESSIONS
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.errors import PipelineError
from financial_pipeline.raw import archive, ingest

# A busy disk may be better in a while.
RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL)


def _archive(
    context: dg.AssetExecutionContext, pipeline: Pipeline, dataset: str
) -> dg.MaterializeResult:
    try:
        files, new = ingest.archive_dataset(pipeline.settings, pipeline.paths, dataset)
    except PipelineError as error:
        # A retry reads the same unknown format.
        raise dg.Failure(str(error), allow_retries=False) from error
    result: dg.MaterializeResult = dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(file.landed.rows_seen for file in files),
            "files": len(files),
            "new_files": new,
            "bytes": sum(file.bytes for file in files),
            "is_synthetic": any(file.is_synthetic for file in files),
            "path": dg.MetadataValue.path(str(pipeline.paths.raw / dataset)),
            "content_hash": archive.digest(files),
        }
    )
    return partition_events.describe(context, result)


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
    return _archive(context, pipeline, "lending_club_loans")


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
    return _archive(context, pipeline, "lending_club_rejections")


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
    return _archive(context, pipeline, "bank_prices")


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
    return _archive(context, pipeline, "fred_observations")
