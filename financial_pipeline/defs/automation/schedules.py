"""Raw data on schedules, in the time zone of its market; everything below follows by itself."""

from datetime import datetime

import dagster as dg

from financial_pipeline.defs import switches
from financial_pipeline.defs.automation.drop_folder import RAW_JOBS
from financial_pipeline.settings import Settings
from financial_pipeline.sources.market_calendar import sessions

NEW_YORK = "America/New_York"
# Two and a half hours after the close, when every source has the adjusted prices.
AFTER_THE_CLOSE = "30 18 * * 1-5"
# The big releases come at 8:30; revisions during the day are there by the evening.
AFTER_RELEASES = "0 9,18 * * 1-5"
ENDED_WORLD = "The simulated world has ended; use --source files or live."


def _due(context: dg.ScheduleEvaluationContext) -> datetime | None:
    """When the tick was due, in New York; None in a world whose days are over."""
    return None if Settings().source == "simulated" else context.scheduled_execution_time


@dg.schedule(
    name="raw_market_daily",
    job_name=RAW_JOBS["bank_prices"],
    cron_schedule=AFTER_THE_CLOSE,
    execution_timezone=NEW_YORK,
    default_status=switches.schedules_start(),
    description="The prices of the session, after the close on trading days.",
)
def raw_market_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run per session; a holiday is skipped with a reason."""
    due = _due(context)
    if due is None:
        return dg.SkipReason(ENDED_WORLD)
    day = due.date()
    if not sessions(day, day):
        return dg.SkipReason(f"{day} is no trading day of the New York Stock Exchange.")
    return dg.RunRequest(run_key=f"raw_market_daily {day}", partition_key=day.isoformat())


@dg.schedule(
    name="raw_macro_releases",
    job_name=RAW_JOBS["fred_observations"],
    cron_schedule=AFTER_RELEASES,
    execution_timezone=NEW_YORK,
    default_status=switches.schedules_start(),
    description="Looks for new FRED releases, after the morning's and at the end of the day.",
)
def raw_macro_releases(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run per look, of the release month of the day."""
    due = _due(context)
    if due is None:
        return dg.SkipReason(ENDED_WORLD)
    month = due.date().replace(day=1).isoformat()
    return dg.RunRequest(run_key=f"raw_macro_releases {due:%Y-%m-%d %H}", partition_key=month)
