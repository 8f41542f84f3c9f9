"""The sensor that records results of runs and checks and sends alerts."""

import dagster as dg

from financial_pipeline.alerts import sinks
from financial_pipeline.alerts.incidents import deliver
from financial_pipeline.defs import operations
from financial_pipeline.defs.automation import incidents
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings

SECONDS_BETWEEN = 30


@dg.sensor(
    name="operations_sensor",
    minimum_interval_seconds=SECONDS_BETWEEN,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Publishes the operations tables and sends alerts and recovery notices.",
)
def operations_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Record the runs that ended since the last tick, then send alerts and recoveries."""
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    paths.data_root.mkdir(parents=True, exist_ok=True)
    repository = context.repository_def
    ended = operations.record(
        context.instance,
        paths,
        settings,
        lambda: operations.descriptions(repository.asset_graph) if repository else {},
    )
    found = incidents.found(context.instance, paths)
    sent = deliver(found, sinks.configured_sinks(settings), paths.alert_ledger)
    return dg.SkipReason(f"{ended} runs recorded, {len(found)} incidents open, {len(sent)} notices")
