"""The New York Stock Exchange calendar: which days are sessions.

The calendar library starts twenty years before today unless told otherwise, so its start is
always explicit here.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import exchange_calendars

EXCHANGE: Final = "XNYS"
SATURDAY: Final = 5


@lru_cache(maxsize=8)
def _sessions_of_years(first_year: int, last_year: int) -> tuple[date, ...]:
    calendar = exchange_calendars.get_calendar(
        EXCHANGE, start=f"{first_year}-01-01", end=f"{last_year}-12-31"
    )
    return tuple(session.date() for session in calendar.sessions)


def sessions(first: date, last: date) -> list[date]:
    """The session dates from `first` to `last`, both included, ascending."""
    if first > last:
        return []
    years = _sessions_of_years(first.year, last.year)
    return [session for session in years if first <= session <= last]


def holidays(first: date, last: date) -> list[date]:
    """The weekdays from `first` to `last`, both included, on which the exchange stays closed."""
    open_days = set(sessions(first, last))
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if day.weekday() < SATURDAY and day not in open_days]
