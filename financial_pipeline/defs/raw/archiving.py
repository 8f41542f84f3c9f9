"""The step of every raw asset of dropped files: archive the new files of one dataset."""

import dagster as dg

from financial_pipeline.defs import partition_events
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.errors import PipelineError
from financial_pipeline.raw import archive, ingest

# A busy disk may recover after a while.
RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL)


def archive_files(
    context: dg.AssetExecutionContext, pipeline: Pipeline, dataset: str
) -> dg.MaterializeResult:
    """Archive the landed files of a dataset, and describe the step."""
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
