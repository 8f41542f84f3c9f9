"""Landed topics: exact offset ranges as immutable files, counted by the ledger.

Nothing is typed or judged here; an asset per topic contains the messages unchanged.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from financial_pipeline.defs.partitions import SESSIONS
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.streaming.ledger import LandedRange
from financial_pipeline.streaming.logs import DATASETS, MARKET_TOPICS, current_landing


class OffsetRanges(dg.Config):
    """Topic -> partition -> first offset and the offset after the last; empty for all messages."""

    ranges: dict[str, dict[str, list[int]]] = {}  # noqa: RUF012


def _specs() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            ["raw", dataset],
            deps=[["topics", topic]],
            description=f"One row per message of the topic {topic}, unchanged, by trading day.",
            kinds={"kafka", "parquet"},
            tags={"domain": "market", "family": "market_topics"},
        )
        for topic, dataset in DATASETS.items()
    ]


def _events(
    context: dg.AssetExecutionContext, dataset: str, landed: list[LandedRange]
) -> dg.MaterializeResult:
    """Log one materialization for every trading day of the ranges; return one for all of them."""
    days: dict[str, int] = {}
    for one in landed:
        for day, rows in one.days.items():
            days[day] = days.get(day, 0) + rows
    key = dg.AssetKey(["raw", dataset])
    for day, rows in sorted(days.items()):
        metadata = {"dagster/row_count": rows}
        context.log_event(dg.AssetMaterialization(key, partition=day, metadata=metadata))
    return dg.MaterializeResult(
        asset_key=key,
        metadata={
            "dagster/row_count": sum(one.rows for one in landed),
            "ranges": {f"{one.topic}/{one.partition}": [one.start, one.end] for one in landed},
            "days": len(days),
        },
    )


def _ranges_to_land(
    config: OffsetRanges, waiting: Mapping[str, Mapping[int, tuple[int, int]]]
) -> Mapping[str, Mapping[int, tuple[int, int]]]:
    if not config.ranges:
        return waiting
    return {
        topic: {int(part): (span[0], span[1]) for part, span in ranges.items()}
        for topic, ranges in config.ranges.items()
    }


@dg.multi_asset(
    name="market_topics",
    specs=_specs(),
    partitions_def=SESSIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="market_topics",
)
def market_topics(
    context: dg.AssetExecutionContext, config: OffsetRanges, pipeline: Pipeline
) -> Iterator[dg.MaterializeResult]:
    """Land the configured offset ranges; fail if another run was first, so nothing lands twice."""
    landing = current_landing(pipeline.paths)
    wanted = _ranges_to_land(config, {} if config.ranges else landing.waiting(MARKET_TOPICS))
    for topic, dataset in DATASETS.items():
        landed = landing.land(topic, wanted[topic], context.run.run_id) if topic in wanted else []
        yield _events(context, dataset, landed)
