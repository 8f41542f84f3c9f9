"""Small events of long ranges: only the newest partition's event describes the whole table.

Dagster copies the metadata of a result into the event of every partition of its run. The rows,
the hash and the folder of a table are the same in all of them, so the newest one is enough.
"""

from typing import Any

import dagster as dg

from financial_pipeline.publishing.manifest import PublishedTable

# Metadata of dbt's results that identifies the model for Dagster's own readers.
KEPT = {"unique_id"}


def table_metadata(table: PublishedTable) -> dict[str, Any]:
    """Return the metadata of a new table version: rows, hash, folder and newest event."""
    return {
        "dagster/row_count": table.rows,
        "content_hash": table.content_hash,
        "path": dg.MetadataValue.path(table.folder),
        "as_of": str(table.as_of),
    }


def describe(
    context: dg.AssetExecutionContext, result: dg.MaterializeResult
) -> dg.MaterializeResult:
    """Return the result of a range run with its metadata on the newest partition alone."""
    newest = _newest(context)
    if newest is None:
        return result
    context.add_asset_metadata(dict(result.metadata or {}), context.asset_key, newest)
    return dg.MaterializeResult(
        check_results=result.check_results, data_version=result.data_version
    )


def describe_output(context: dg.AssetExecutionContext, output: dg.Output[Any]) -> dg.Output[Any]:
    """Return one output of a range run of many assets with its metadata on the newest partition."""
    newest = _newest(context)
    if newest is None:
        return output
    asset = context.asset_key_for_output(output.output_name)
    context.add_asset_metadata(dict(output.metadata), asset, newest)
    return output.with_metadata({k: v for k, v in output.metadata.items() if k in KEPT})


def _newest(context: dg.AssetExecutionContext) -> str | None:
    """Return the last partition of a run over several; None for any other run or asset."""
    if context.assets_def.partitions_def is None or not context.has_partition_key_range:
        return None
    keys = context.partition_keys
    return keys[-1] if len(keys) > 1 else None
