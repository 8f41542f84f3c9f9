"""Schedules of live sources, in the time zone of their market; each tick starts the plan.

The run fetches everything since the newest archived data, so a tick that the daemon missed costs
nothing. Files of a drop folder have a sensor of their own.
"""

from datetime import datetime

import dagster as dg

from financial_pipeline.defs import switches
from financial_pipeline.defs.automation.update import UPDATE_JOB
from financial_pipeline.settings import Settings
from financial_pipeline.sources.market_calendar import sessions

NEW_YORK = "America/New_York"
# Two and a half hours after the close, when every source has the adjusted prices.
AFTER_THE_CLOSE = "30 18 * * 1-5"
# Major releases are published at 8:30; the evening run includes revisions made during the day.
AFTER_RELEASES = "0 9,18 * * 1-5"
SKIPPED = {
    "simulated": "The simulated world has ended; use --source files or live.",
    "files": "Files are not fetched: drop_folder_sensor reads the drop folder.",
}


def _due(context: dg.ScheduleEvaluationContext) -> datetime | dg.SkipReason:
    """Return when the tick was due, in New York, or why nothing is fetched."""
    skipped = SKIPPED.get(Settings().source)
    return dg.SkipReason(skipped) if skipped else context.scheduled_execution_time


def _run(schedule: str, due: datetime) -> dg.RunRequest:
    """Return the one run of a tick; a repeated tick returns the same run."""
    return dg.RunRequest(run_key=f"{schedule} {due:%Y-%m-%d %H:%M}")


@dg.schedule(
    name="raw_market_daily",
    job_name=UPDATE_JOB,
    cron_schedule=AFTER_THE_CLOSE,
    execution_timezone=NEW_YORK,
    default_status=switches.schedules_start(),
    description="Fetches prices after the close on trading days, and builds what they change.",
)
def raw_market_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request the run of a session; skip a holiday."""
    due = _due(context)
    if isinstance(due, dg.SkipReason):
        return due
    if not sessions(due.date(), due.date()):
        return dg.SkipReason(f"{due.date()} is no trading day of the New York Stock Exchange.")
    return _run("raw_market_daily", due)


@dg.schedule(
    name="raw_macro_releases",
    job_name=UPDATE_JOB,
    cron_schedule=AFTER_RELEASES,
    execution_timezone=NEW_YORK,
    default_status=switches.schedules_start(),
    description="Fetches new FRED releases, mornings and evenings, and builds what they change.",
)
def raw_macro_releases(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request the run of a morning or an evening."""
    due = _due(context)
    return due if isinstance(due, dg.SkipReason) else _run("raw_macro_releases", due)
