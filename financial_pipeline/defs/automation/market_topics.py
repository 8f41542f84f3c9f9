"""The topics as sensors: they compare the ends of topics with the ledger, and never consume.

Waiting messages of the market topics are requested by exact offset ranges, so the second of two
runs aborts; declarative automation then rebuilds each trading day. Macro releases land whole.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from financial_pipeline.defs import switches
from financial_pipeline.defs.automation.update import UNDER_WAY
from financial_pipeline.defs.run_plan import TOPICS_JOB
from financial_pipeline.local_cluster.connection import is_reachable
from financial_pipeline.local_cluster.status import StreamElsewhere
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import MACRO_TOPIC
from financial_pipeline.settings import Settings
from financial_pipeline.streaming import tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.logs import MARKET_TOPICS, current_landing

SECONDS_BETWEEN = 30
MACRO_JOB = "macro_releases_job"
NO_STREAM = (
    "No stream is running and no brokers are configured: start one with `financial-pipeline"
    " stream up`, or set FINANCIAL_PIPELINE_KAFKA_BROKERS."
)

# Offsets of each topic's partitions that are not in the ledger: from, and up to.
Waiting = Mapping[str, Mapping[int, tuple[int, int]]]


def run_config(waiting: Waiting) -> dict[str, object]:
    """Return the configuration of a run that lands exactly these ranges."""
    ranges = {
        topic: {str(partition): list(span) for partition, span in spans.items()}
        for topic, spans in waiting.items()
    }
    return {"ops": {"market_topics": {"config": {"ranges": ranges}}}}


def observations(
    landing: Landing, topics: Sequence[str], now: datetime
) -> list[dg.AssetObservation]:
    """Return one observation per topic: its ends, its lag, and how far event time has landed."""
    rows = tables.status_rows(landing, topics, now)
    return [_observation(str(topic), part, now) for (topic,), part in rows.group_by("topic")]


def _observation(topic: str, rows: pl.DataFrame, now: datetime) -> dg.AssetObservation:
    mark = rows["watermark_at"].min()
    metadata: dict[str, Any] = {
        "end_offsets": {str(row["partition"]): row["end_offset"] for row in rows.to_dicts()},
        "messages": int(rows["end_offset"].sum()),
        "lag": int(rows["lag"].sum()),
    }
    if isinstance(mark, datetime):
        metadata["watermark"] = mark.isoformat()
        metadata["watermark_age_seconds"] = (now - mark).total_seconds()
    return dg.AssetObservation(asset_key=["topics", topic], metadata=metadata)


def _look(
    context: dg.SensorEvaluationContext,
    topics: tuple[str, ...],
    job: str,
    config: Callable[[Waiting], dict[str, object]] | None = None,
) -> dg.SensorResult | dg.SkipReason:
    """Request one run for all waiting messages, unless one is under way; observe the topics."""
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    if not is_reachable(settings, paths):
        return dg.SkipReason(NO_STREAM)
    try:
        landing = current_landing(paths)
    except StreamElsewhere as error:
        # The container of the stream lands its own messages.
        return dg.SkipReason(str(error))
    seen = observations(landing, topics, datetime.now(UTC).replace(tzinfo=None))
    waiting = landing.waiting(topics)
    if not waiting:
        return dg.SensorResult(asset_events=seen, skip_reason="No message is waiting.")
    if context.instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=UNDER_WAY)):
        return dg.SensorResult(asset_events=seen, skip_reason="A run is landing already.")
    # Without a run key: messages that a failed run did not land are requested again.
    request = dg.RunRequest(run_config=config(waiting) if config else None)
    return dg.SensorResult(run_requests=[request], asset_events=seen)


@dg.sensor(
    name="market_topics_sensor",
    job_name=TOPICS_JOB,
    minimum_interval_seconds=SECONDS_BETWEEN,
    default_status=switches.sensors_start(),
    description="Lands waiting messages of the market topics by exact offset ranges.",
)
def market_topics_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request a run of exact offset ranges if messages wait."""
    return _look(context, MARKET_TOPICS, TOPICS_JOB, run_config)


@dg.sensor(
    name="macro_releases_sensor",
    job_name=MACRO_JOB,
    minimum_interval_seconds=SECONDS_BETWEEN,
    default_status=switches.sensors_start(),
    description="Lands waiting macro releases of their topic, and archives new ones.",
)
def macro_releases_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request a run of the landing if releases wait."""
    return _look(context, (MACRO_TOPIC,), MACRO_JOB)


@dg.definitions
def market_topics() -> dg.Definitions:
    """Define both sensors."""
    return dg.Definitions(sensors=[market_topics_sensor, macro_releases_sensor])
