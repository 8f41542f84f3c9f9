"""The metric tables as assets: computed on Spark, checked by DuckDB, published as Parquet."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl

from financial_pipeline.crosscheck.agreement import Agreement, compare
from financial_pipeline.crosscheck.recompute import input_files, recompute
from financial_pipeline.defs import partition_checks, partition_events
from financial_pipeline.defs.metrics import metric_export
from financial_pipeline.defs.partitions import (
    AS_OF_MONTHS,
    ISSUE_MONTHS,
    SESSIONS,
    SNAPSHOT_MONTHS,
    VINTAGE_QUARTERS,
    window,
)
from financial_pipeline.defs.resources import Pipeline, Spark
from financial_pipeline.schemas.contract import MetricTable
from financial_pipeline.spark.catalogue import METRICS, Metric
from financial_pipeline.spark.session import ui_address

CHECK = "equals_its_recomputation"
# Partition column -> its partitions and the family whose job computes them.
FAMILIES: dict[str, tuple[dg.PartitionsDefinition, str]] = {
    "issue_month": (ISSUE_MONTHS, "default_rates"),
    "vintage_quarter": (VINTAGE_QUARTERS, "vintages"),
    "snapshot_month": (SNAPSHOT_MONTHS, "portfolio"),
    "session_date": (SESSIONS, "market_metrics"),
    "as_of_month": (AS_OF_MONTHS, "macro_correlations"),
}

Files = Mapping[str, Sequence[Path]]


def _compute(
    spark: Spark, metric: Metric, files: Files, first: date, last: date, lag: int
) -> tuple[pl.DataFrame, Agreement]:
    session = spark.spark_session
    marts = {
        name: session.read.parquet(*(str(path) for path in paths)) for name, paths in files.items()
    }
    computed = metric.compute(session, marts, first, last, default_lag_months=lag)
    rows = pl.DataFrame(pl.from_arrow(computed.toArrow()))
    again = recompute(metric.table, files, first, last, default_lag_months=lag)
    return rows, compare(metric.table, rows, again)


def _faults(table: MetricTable, agreement: Agreement) -> dict[str, str]:
    return {
        partition: f"{table.name} of {partition} differs from its recomputation."
        for partition in agreement.failed_partitions
    }


def _materialize(
    context: dg.AssetExecutionContext, pipeline: Pipeline, spark: Spark, metric: Metric
) -> partition_checks.Results:
    publication, lag = pipeline.publication, pipeline.settings.default_lag_months
    first, last = window(context)
    files = input_files(publication, metric.inputs)
    built_from = publication.content_hashes(*(f"exports/{name}" for name in files))
    rows, agreement = _compute(spark, metric, files, first, last, lag)
    table = metric_export.export_metric(
        publication, metric.table, rows, agreement, first, last, built_from
    )
    if agreement.holds:
        publication.register(table)
    result: dg.MaterializeResult = dg.MaterializeResult(
        data_version=dg.DataVersion(table.content_hash),
        metadata={
            **partition_events.table_metadata(table),
            "rows_of_this_run": rows.height,
            "built_from": built_from,
            "spark_ui": ui_address(spark.spark_session) or "shown by the Spark Connect server",
        },
    )
    faults = _faults(metric.table, agreement)
    check = dg.AssetCheckResult(
        check_name=CHECK, passed=agreement.holds, metadata=agreement.facts()
    )
    yield from partition_checks.per_partition(context, result, check, faults)


def _metric_asset(metric: Metric) -> dg.AssetsDefinition:
    table = metric.table
    partitions_def, family = FAMILIES[table.partition]

    @dg.asset(
        key=["metrics", table.name],
        # A row needs look-back rows or, for loans, their latest snapshot: any upstream partition.
        deps=[
            dg.AssetDep(["exports", name], partition_mapping=dg.AllPartitionMapping())
            for name in metric.inputs
        ],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds={"spark", "parquet"},
        tags={"family": family, "domain": table.domain},
        description=f"{table.grain}\n\n{metric.function.__doc__}",
        check_specs=[
            partition_checks.spec(
                CHECK,
                ["metrics", table.name],
                "DuckDB computes the same rows from the same exports: integers equal,"
                " sums within 1e-9 and ratios within 1e-6, relative.",
                partitions_def,
            )
        ],
    )
    def metric_table(
        context: dg.AssetExecutionContext, pipeline: Pipeline, spark: Spark
    ) -> partition_checks.Results:
        yield from _materialize(context, pipeline, spark, metric)

    return metric_table


@dg.definitions
def metrics() -> dg.Definitions:
    """One asset per metric table."""
    return dg.Definitions(assets=[_metric_asset(metric) for metric in METRICS.values()])
