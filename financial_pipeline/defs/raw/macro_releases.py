"""The topic of macro releases: exact offset ranges by the ledger, then files of the archive."""

import dagster as dg

from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.schemas.stream import MACRO_TOPIC
from financial_pipeline.streaming.logs import current_landing
from financial_pipeline.streaming.macro_landing import land_macro


@dg.asset(
    key=["raw", "macro_releases"],
    deps=[["topics", MACRO_TOPIC]],
    kinds={"kafka", "json"},
    tags={"domain": "macro", "family": "macro_releases"},
    pool="macro_releases",
)
def macro_releases(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per release and vintage of the topic, archived in the form of FRED's files."""
    done = land_macro(current_landing(pipeline.paths), context.run.run_id)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": done.releases,
            "messages": done.messages,
            "new_files": done.files,
            "unreadable": done.unreadable,
            "path": dg.MetadataValue.path(str(pipeline.paths.streamed_landing)),
        }
    )
