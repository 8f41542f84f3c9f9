"""The published stream tables: landed rows, the position of the landing, and the parity."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import polars as pl

from financial_pipeline import world
from financial_pipeline.defs.partition_events import table_metadata
from financial_pipeline.defs.partitions import SESSIONS
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.publishing.manifest import channel_tables
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming import bar_staging, tables
from financial_pipeline.streaming.logs import DATASETS, MARKET_TOPICS, current_landing

LANDED = {name: topic for name, table in STREAM_TABLES.items() if (topic := table.topic)}
KINDS = {"polars", "parquet"}
UNIQUE = "keys_are_unique"


def _raw(topic: str) -> dg.AssetDep:
    """A dependency on all landed trading days of a topic."""
    key = ["raw", DATASETS[topic]]
    return dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping())


@dg.multi_asset(
    name="landed_stream_tables",
    specs=[
        dg.AssetSpec(
            ["stream", name],
            deps=[_raw(topic)],
            description=STREAM_TABLES[name].grain,
            kinds=KINDS,
            tags={"domain": "market", "family": "market_topics"},
        )
        for name, topic in LANDED.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(
            UNIQUE,
            asset=["stream", name],
            description="No two rows share a key: a message that landed twice is one row.",
        )
        for name in LANDED
    ],
)
def landed_stream_tables(pipeline: Pipeline) -> Iterator[dg.MaterializeResult]:
    """Publish the landed rows that the tables lack, all tables in one move of their channel."""
    landing = current_landing(pipeline.paths)
    tables.publish_landed(landing, world.describe(pipeline.settings))
    current = channel_tables(pipeline.paths, tables.CHANNEL)
    for name in LANDED:
        table = current[STREAM_TABLES[name].key]
        keys = pl.scan_parquet(whole_files(pipeline.paths, table))
        keys = keys.select(STREAM_TABLES[name].keys)
        distinct = keys.unique().select(pl.len()).collect().item()
        yield dg.MaterializeResult(
            asset_key=["stream", name],
            metadata=table_metadata(table),
            check_results=[
                dg.AssetCheckResult(
                    asset_key=["stream", name],
                    check_name=UNIQUE,
                    passed=distinct == table.rows,
                    metadata={"rows": table.rows, "distinct_keys": distinct},
                )
            ],
        )


@dg.asset(
    key=["stream", "status"],
    deps=[_raw(topic) for topic in DATASETS],
    kinds=KINDS,
    tags={"domain": "market", "family": "market_topics"},
)
def status(pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per topic and partition: how far it has landed, as seen after the last landing."""
    now = datetime.now(UTC).replace(tzinfo=None)
    landing = current_landing(pipeline.paths)
    table = tables.publish_status(landing, MARKET_TOPICS, world.describe(pipeline.settings), now)
    return dg.MaterializeResult(metadata=table_metadata(table))


@dg.asset(
    key=["stream", "parity"],
    deps=[["staging", "market_parity"]],
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    kinds=KINDS,
    tags={"domain": "market", "family": "market_bars"},
)
def parity(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """One row per trading day: the destination of each message, and whether batch equals stream.

    Rows that the batch corrected replace those of the stream in the other tables of this layer, if
    their day passed.
    """
    landing = current_landing(pipeline.paths)
    found = bar_staging.read_comparison(pipeline.paths, context.partition_keys)
    changed = tables.publish_parity(landing, found, world.describe(pipeline.settings))
    for table in changed[1:]:
        key = dg.AssetKey(["stream", table.name])
        context.log_event(dg.AssetMaterialization(key, metadata=table_metadata(table)))
    return dg.MaterializeResult(metadata=table_metadata(changed[0]))
