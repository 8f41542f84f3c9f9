"""The partitions of each family of data: months, trading days, and their first and last members.

In the simulated world they span the data that the simulator makes, so that no partition stays
missing for ever; otherwise they start at the configured first one and grow with the calendar.
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
# First day of the simulated data, and last one if it ends before the last day of the world.
SIMULATED_ISSUES = (date(2007, 6, 1), date(2018, 12, 31))
SIMULATED_FILES = (date(2018, 3, 1), None)
SIMULATED_RELEASES = (date(2018, 10, 1), None)
SIMULATED_OBSERVATIONS = (date(1990, 1, 1), None)


def _months(
    first: date, simulated: tuple[date, date | None] | None = None
) -> dg.MonthlyPartitionsDefinition:
    """Return months from the first on, within those of the simulated world if it is that one."""
    if _end is None:
        return dg.MonthlyPartitionsDefinition(first.isoformat(), end_offset=1)
    low, high = simulated or (first, None)
    after = ((high or _end).replace(day=1) + timedelta(days=32)).replace(day=1)
    return dg.MonthlyPartitionsDefinition(max(first, low).isoformat(), end_date=after.isoformat())


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


def _quarters(first: date, last: date | None = _end) -> dg.TimeWindowPartitionsDefinition:
    return dg.TimeWindowPartitionsDefinition(
        start=first.isoformat(),
        fmt="%Y-%m-%d",
        cron_schedule=QUARTER_CRON,
        end=(last + timedelta(days=1)).isoformat() if last else None,
        end_offset=0 if last else 1,
    )


# Snapshot months of the files; measures of the portfolio start earlier, with the first issue.
FILE_MONTHS = _months(_settings.first_issue_month, SIMULATED_FILES)
SNAPSHOT_MONTHS = _months(_settings.first_issue_month)
ISSUE_MONTHS = _months(_settings.first_issue_month, SIMULATED_ISSUES)
APPLICATION_MONTHS = _months(_settings.first_application_month, SIMULATED_ISSUES)
SESSIONS = _sessions(_settings.first_session)
RELEASE_MONTHS = _months(_settings.first_release_month, SIMULATED_RELEASES)
OBSERVATION_MONTHS = _months(_settings.first_observation_month, SIMULATED_OBSERVATIONS)
AS_OF_MONTHS = _months(_settings.first_issue_month)
# Quarterly vintages, from the quarter of the first issue month.
VINTAGE_QUARTERS = _quarters(
    _settings.first_issue_month.replace(month=(_settings.first_issue_month.month - 1) // 3 * 3 + 1),
    SIMULATED_ISSUES[1] if _end else None,
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
    """Return the first and the last partition of the run, both included."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)
