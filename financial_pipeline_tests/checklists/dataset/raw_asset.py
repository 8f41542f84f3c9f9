"""The raw files of the Treasury's par yields."""

import dagster as dg

from financial_pipeline.defs.partitions import OBSERVATION_MONTHS
from financial_pipeline.defs.raw.archiving import RETRIES, archive_files
from financial_pipeline.defs.resources import Pipeline


@dg.asset(
    key=["raw", "treasury_yields"],
    deps=[["landing", "treasury_yields"]],
    partitions_def=OBSERVATION_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRIES,
    tags={"domain": "macro", "family": "yields"},
)
def treasury_yields(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One file per download, as the Treasury writes it."""
    return archive_files(context, pipeline, "treasury_yields")
