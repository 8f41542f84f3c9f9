"""The published marts: immutable Parquet folders, and the manifest that makes them current."""

from typing import Any

import dagster as dg
from dagster_duckdb import DuckDBResource

from financial_pipeline.defs import partition_events
from financial_pipeline.defs.partitions import FAMILY_PARTITIONS
from financial_pipeline.defs.resources import WAREHOUSE_POOL, Pipeline
from financial_pipeline.publishing.table_checks import check_table
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.raw import archive
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.schemas.raw import RAW_DATASETS

# Family -> the raw dataset that its marts are built from.
SOURCES = {dataset.family: name for name, dataset in RAW_DATASETS.items()}
SEVERITIES = {True: dg.AssetCheckSeverity.ERROR, False: dg.AssetCheckSeverity.WARN}
# Check -> whether its failure blocks publication, and its description.
CHECKS = {
    "keys_are_unique": (True, "No two rows share the key of the grain."),
    "keys_are_present": (True, "Every row has its whole key."),
    "rows_equal_the_warehouse": (True, "The Parquet folder contains every row of the mart."),
    "volume_has_not_dropped": (False, "At most 5% fewer rows than the version before."),
    "distribution_has_not_shifted": (False, "Watched means moved by at most half a deviation."),
}


def _check_specs(name: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(check, asset=["exports", name], blocking=blocking, description=text)
        for check, (blocking, text) in CHECKS.items()
    ]


def _export(
    pipeline: Pipeline, warehouse: DuckDBResource, name: str, mart: Table[Any]
) -> dg.MaterializeResult:
    paths = pipeline.paths
    dataset = SOURCES.get(mart.family)
    files = archive.current_files(paths, dataset) if dataset else []
    built_from = {"raw": archive.digest(files), "files": str(len(files))}
    with warehouse.get_connection() as connection:
        connection.execute("set enable_progress_bar = false")
        relation = connection.table(f"marts.{name}")
        previous = pipeline.publication.newest_if_any(mart.key)
        table = write_table(paths, mart, relation, previous=previous, built_from=built_from)
        warehouse_rows = len(relation)
    outcomes = check_table(pipeline.publication, table, mart, warehouse_rows)
    if all(outcome.passed for outcome in outcomes if CHECKS[outcome.name][0]):
        pipeline.publication.register(table)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(table.content_hash),
        metadata={**partition_events.table_metadata(table), "built_from": built_from},
        check_results=[
            dg.AssetCheckResult(
                check_name=outcome.name,
                passed=outcome.passed,
                metadata=dict(outcome.numbers),
                severity=SEVERITIES[CHECKS[outcome.name][0]],
            )
            for outcome in outcomes
        ],
    )


def _export_asset(name: str, mart: Table[Any]) -> dg.AssetsDefinition:
    # A dimension has no window: each run exports all of it.
    partitions_def = None if name.startswith("dim_") else FAMILY_PARTITIONS[mart.family]

    @dg.asset(
        key=["exports", name],
        deps=[["warehouse", name]],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions_def else None,
        kinds={"duckdb", "parquet"},
        description=f"The mart `{name}` as an immutable Parquet folder that every reader may open.",
        tags={"family": mart.family},
        check_specs=_check_specs(name),
        pool=WAREHOUSE_POOL,
    )
    def export(
        context: dg.AssetExecutionContext, pipeline: Pipeline, warehouse: DuckDBResource
    ) -> dg.MaterializeResult:
        return partition_events.describe(context, _export(pipeline, warehouse, name, mart))

    return export


@dg.definitions
def exports() -> dg.Definitions:
    """One asset per published mart."""
    return dg.Definitions(assets=[_export_asset(name, mart) for name, mart in MARTS.items()])
