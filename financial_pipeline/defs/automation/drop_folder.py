"""The drop folder as a sensor: it starts the plan if it builds anything, or reports the reason.

A copy under another name, a touched file or a restart of the daemon starts nothing, because only
content counts.
"""

import time
from typing import Final

import dagster as dg

from financial_pipeline.changes import unchanged
from financial_pipeline.defs import switches
from financial_pipeline.defs.automation.update import (
    NO_FILE,
    UNDER_WAY,
    UPDATE_JOB,
    plan_update,
    summary,
)
from financial_pipeline.paths import Paths
from financial_pipeline.raw import ingest
from financial_pipeline.settings import Settings

# A file that changed within this time may still be on its way into the folder.
SETTLED_SECONDS: Final = 10.0
SECONDS_BETWEEN: Final = 60
REASON_TAG: Final = "financial_pipeline/reason"


def _now(settings: Settings, paths: Paths) -> str:
    """Return the hash of all that a plan starts from, by size and time."""
    built = paths.data_root / "built.json"
    files = [*ingest.candidates(settings, paths), *([built] if built.exists() else [])]
    return unchanged.fingerprint(settings, paths, files, {"job": UPDATE_JOB})


def _wait(context: dg.SensorEvaluationContext, settings: Settings, paths: Paths) -> str | None:
    """Return the reason why the plan is not checked now; None if it can be."""
    found = ingest.candidates(settings, paths)
    if not found:
        return NO_FILE
    arriving = [p.name for p in found if time.time() - p.stat().st_mtime <= SETTLED_SECONDS]
    if arriving:
        return f"{arriving[0]} may still be arriving; it is read {SETTLED_SECONDS:.0f} s later."
    wanted = dg.RunsFilter(job_name=UPDATE_JOB, statuses=UNDER_WAY)
    return "An update is under way." if context.instance.get_runs_count(wanted) else None


@dg.sensor(
    name="drop_folder_sensor",
    job_name=UPDATE_JOB,
    minimum_interval_seconds=SECONDS_BETWEEN,
    default_status=switches.sensors_start(),
    description="Builds what new files, code and settings change; skips if nothing changed.",
)
def drop_folder_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request one run of the plan if it builds anything; an unknown format raises, which alerts."""
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    if reason := _wait(context, settings, paths):
        return dg.SkipReason(reason)
    now = _now(settings, paths)
    if context.cursor == now:
        return dg.SkipReason("Nothing changed since the last tick.")
    assert context.repository_def is not None
    rows = plan_update(settings, paths, context.repository_def)
    # Planning may complete caches, which belong to the folder as the next tick finds it.
    cursor = _now(settings, paths)
    if not rows:
        return dg.SensorResult(
            skip_reason="Nothing would be built: every table is up to date.", cursor=cursor
        )
    # With the hash as its key, a failed run is repeated only after something changed.
    request = dg.RunRequest(run_key=cursor, tags={REASON_TAG: summary(rows)})
    return dg.SensorResult(run_requests=[request], cursor=cursor)


@dg.definitions
def drop_folder() -> dg.Definitions:
    """Define the sensor."""
    return dg.Definitions(sensors=[drop_folder_sensor])
