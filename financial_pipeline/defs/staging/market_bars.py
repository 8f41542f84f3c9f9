"""Bars and alerts by trading day, recomputed from the landed input: the batch is authoritative."""

import dagster as dg

from financial_pipeline.defs import partition_checks
from financial_pipeline.defs.partition_checks import Results
from financial_pipeline.defs.partitions import SESSIONS
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.errors import PipelineError
from financial_pipeline.streaming import parity
from financial_pipeline.streaming.bar_staging import read_comparison, stage, write_comparison
from financial_pipeline.streaming.logs import current_landing

PARITY_CHECK = "batch_equals_stream"


@dg.asset(
    key=["staging", "market_parity"],
    deps=[
        ["raw", "market_ohlcv"],
        ["raw", "market_bars"],
        ["raw", "market_indicators"],
        ["raw", "market_alerts"],
        ["raw", "market_late_messages"],
        ["raw", "market_dead_letters"],
    ],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    kinds={"duckdb", "parquet"},
    tags={"domain": "market", "family": "market_bars"},
)
def market_parity(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per trading day: the landed input, recomputed and compared with the stream's bars.

    Source: the landed topics. The recomputed bars, indicators and alerts are stored with the rows.
    """
    keys, landing = context.partition_key_range, current_landing(pipeline.paths)
    found = parity.compare(landing, keys.start, keys.end)
    write_comparison(pipeline.paths, found, context.partition_keys)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": found.rows.height, "engine": landing.log.engine}
    )


@dg.asset(
    key=["staging", "market_bars"],
    deps=[["staging", "market_parity"]],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    kinds={"duckdb", "parquet"},
    tags={"domain": "market", "family": "market_bars"},
    check_specs=[
        partition_checks.spec(
            PARITY_CHECK,
            ["staging", "market_bars"],
            "Bars, indicators and alerts recomputed from the landed input equal the stream's, and"
            " every message is aggregated, late, dead-lettered or a heartbeat.",
            SESSIONS,
        )
    ],
)
def market_bars(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Results:
    """One row per symbol and one-minute bar; without duplicates, with late messages.

    A bar that differs from the stream's for that reason has revision 1. A day that fails parity
    keeps its rows.
    """
    found = read_comparison(pipeline.paths, context.partition_keys)
    faults = found.faults()
    rows = stage(pipeline.paths, "market_bars", found.bars, context.partition_keys, faults)
    result: dg.MaterializeResult = dg.MaterializeResult(metadata={"dagster/row_count": rows})
    check = partition_checks.outcome(context, PARITY_CHECK, faults)
    yield from partition_checks.per_partition(context, result, check, faults)
    if faults and len(faults) == found.rows.height:
        raise PipelineError(f"No day of this run passed: {next(iter(faults.values()))}.")


@dg.asset(
    key=["staging", "market_alerts"],
    deps=[["staging", "market_bars"]],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    kinds={"duckdb", "parquet"},
    tags={"domain": "market", "family": "market_bars"},
)
def market_alerts(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per alert on the bars of `staging/market_bars`; a day that failed keeps its rows."""
    found = read_comparison(pipeline.paths, context.partition_keys)
    rows = stage(
        pipeline.paths, "market_alerts", found.alerts, context.partition_keys, found.faults()
    )
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})
