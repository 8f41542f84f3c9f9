"""Schedules of raw data, in the time zone of its market; automation rebuilds all other layers.

After the daemon was down, Dagster runs only the newest of the missed ticks. So a tick requests
every partition since the newest one of its schedule's earlier runs, in one run.
"""

from datetime import date, datetime, timedelta

import dagster as dg

from financial_pipeline.defs import operations, switches
from financial_pipeline.defs.automation.drop_folder import RAW_JOBS
from financial_pipeline.settings import Settings
from financial_pipeline.sources.market_calendar import sessions

NEW_YORK = "America/New_York"
# Two and a half hours after the close, when every source has the adjusted prices.
AFTER_THE_CLOSE = "30 18 * * 1-5"
# The big releases come at 8:30; revisions during the day are there by the evening.
AFTER_RELEASES = "0 9,18 * * 1-5"
ENDED_WORLD = "The simulated world has ended; use --source files or live."


# A run that failed took no partition, and one that was never begun did not either.
TOOK = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.SUCCESS,
]
# Newest runs looked at: a person may have repeated an old one since.
RECENT_RUNS = 100


def newest_taken(context: dg.ScheduleEvaluationContext, schedule: str) -> str | None:
    """Return the newest partition of the runs that a schedule started, if there is one."""
    wanted = dg.RunsFilter(tags={operations.SCHEDULE: schedule}, statuses=TOOK)
    runs = context.instance.get_runs(wanted, limit=RECENT_RUNS)
    ends = [run.tags.get(operations.RANGE_END, run.tags.get(operations.PARTITION)) for run in runs]
    return max((end for end in ends if end), default=None)


def run_of(schedule: str, due: datetime, first: str, last: str) -> dg.RunRequest:
    """Return the one run of a tick, over its partitions; a repeated tick returns the same run."""
    key = f"{schedule} {due:%Y-%m-%d %H:%M}"
    if first == last:
        return dg.RunRequest(run_key=key, partition_key=last)
    return dg.RunRequest(
        run_key=key, tags={operations.RANGE_START: first, operations.RANGE_END: last}
    )


def _due(context: dg.ScheduleEvaluationContext) -> datetime | None:
    """Return when the tick was due, in New York; None in a simulated world, which has ended."""
    return None if Settings().source == "simulated" else context.scheduled_execution_time


@dg.schedule(
    name="raw_market_daily",
    job_name=RAW_JOBS["bank_prices"],
    cron_schedule=AFTER_THE_CLOSE,
    execution_timezone=NEW_YORK,
    default_status=switches.schedules_start(),
    description="The prices of each session since the last run, after the close on trading days.",
)
def raw_market_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request the session of the day and earlier missed ones; skip a holiday."""
    due = _due(context)
    if due is None:
        return dg.SkipReason(ENDED_WORLD)
    day = due.date()
    taken = newest_taken(context, "raw_market_daily")
    after = date.fromisoformat(taken) + timedelta(days=1) if taken else day
    days = sessions(min(after, day), day)
    if not days:
        return dg.SkipReason(f"{day} is no trading day of the New York Stock Exchange.")
    return run_of("raw_market_daily", due, days[0].isoformat(), days[-1].isoformat())


@dg.schedule(
    name="raw_macro_releases",
    job_name=RAW_JOBS["fred_observations"],
    cron_schedule=AFTER_RELEASES,
    execution_timezone=NEW_YORK,
    default_status=switches.schedules_start(),
    description="Looks for new FRED releases, after the morning's and at the end of the day.",
)
def raw_macro_releases(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Request the release months since the previous run, up to the month of the day."""
    due = _due(context)
    if due is None:
        return dg.SkipReason(ENDED_WORLD)
    month = due.date().replace(day=1).isoformat()
    taken = newest_taken(context, "raw_macro_releases") or month
    return run_of("raw_macro_releases", due, min(taken, month), month)
