"""Typed par yields of the Treasury, one file per month."""

from collections.abc import Sequence

import dagster as dg

from financial_pipeline.defs import partition_events
from financial_pipeline.defs.partitions import OBSERVATION_MONTHS, window
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.defs.staging.staging_step import accounting_check, stage_files
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.staging import treasury_yields as driver
from financial_pipeline.staging.accounting import StagingSummary


@dg.asset(
    key=["staging", "treasury_yields"],
    deps=[["raw", "treasury_yields"]],
    partitions_def=OBSERVATION_MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    tags={"domain": "macro", "family": "yields"},
    check_specs=accounting_check("treasury_yields"),
)
def treasury_yields(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per day: yields as fractions."""
    first, last = window(context)

    def stage(files: Sequence[RawFile]) -> StagingSummary:
        return driver.stage_treasury_yields(pipeline.paths, files, pipeline.settings, first, last)

    return partition_events.describe(context, stage_files(pipeline, "treasury_yields", stage))
