"""The partitions of each family of data: months, trading days, and their first members.

In the simulated world the last partition is that of its last day; otherwise partitions grow with
the calendar.
"""

from datetime import date, datetime, timedelta

import dagster as dg

from financial_pipeline import world
from financial_pipeline.settings import Settings
from financial_pipeline.sources.market_calendar import holidays

_settings = Settings()
_end = world.today(_settings) if _settings.source == "simulated" else None
SESSION_CRON = "0 0 * * 1-5"
QUARTER_CRON = "0 0 1 1,4,7,10 *"
# Holidays are listed this many days ahead of today, so that the calendar never runs out.
CALENDAR_MARGIN = timedelta(days=365)


def _months(first: date) -> dg.MonthlyPartitionsDefinition:
    if _end is None:
        return dg.MonthlyPartitionsDefinition(first.isoformat(), end_offset=1)
    after = (_end.replace(day=1) + timedelta(days=32)).replace(day=1)
    return dg.MonthlyPartitionsDefinition(first.isoformat(), end_date=after.isoformat())


def _sessions(first: date) -> dg.TimeWindowPartitionsDefinition:
    last = _end or date.today() + CALENDAR_MARGIN
    return dg.TimeWindowPartitionsDefinition(
        start=first.isoformat(),
        fmt="%Y-%m-%d",
        cron_schedule=SESSION_CRON,
        exclusions=[datetime.combine(day, datetime.min.time()) for day in holidays(first, last)],
        end=(_end + timedelta(days=1)).isoformat() if _end else None,
        end_offset=0 if _end else 1,
    )


def _quarters(first: date) -> dg.TimeWindowPartitionsDefinition:
    return dg.TimeWindowPartitionsDefinition(
        start=first.isoformat(),
        fmt="%Y-%m-%d",
        cron_schedule=QUARTER_CRON,
        end=(_end + timedelta(days=1)).isoformat() if _end else None,
        end_offset=0 if _end else 1,
    )


SNAPSHOT_MONTHS = _months(_settings.first_issue_month)
ISSUE_MONTHS = _months(_settings.first_issue_month)
APPLICATION_MONTHS = _months(_settings.first_application_month)
SESSIONS = _sessions(_settings.first_session)
RELEASE_MONTHS = _months(_settings.first_release_month)
OBSERVATION_MONTHS = _months(_settings.first_observation_month)
AS_OF_MONTHS = _months(_settings.first_issue_month)
# Quarterly vintages, from the quarter of the first issue month.
VINTAGE_QUARTERS = _quarters(
    _settings.first_issue_month.replace(month=(_settings.first_issue_month.month - 1) // 3 * 3 + 1)
)
# Training cut-offs of the default model.
CUTOFFS = _quarters(_settings.first_cutoff)


# The warehouse and the exports of a family share its partitions; shared dimensions have none.
FAMILY_PARTITIONS: dict[str, dg.PartitionsDefinition | None] = {
    "shared": None,
    "loans": ISSUE_MONTHS,
    "rejections": APPLICATION_MONTHS,
    "prices": SESSIONS,
    "macro": OBSERVATION_MONTHS,
    "market_bars": SESSIONS,
}


def window(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last partition of the run, both included."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)
