"""The New York Stock Exchange calendar: which days are sessions.

The calendar library starts twenty years before today by default, so its start is
always explicit here.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import exchange_calendars

EXCHANGE: Final = "XNYS"
SATURDAY: Final = 5
EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")
# The exchange closes at 16:00; an hour later the day's prices have settled.
SETTLED_HOUR: Final = 17
LONGEST_CLOSURE: Final = timedelta(days=14)
# Session 0 of `session_numbers`.
NUMBERED_FROM: Final = date(2000, 1, 3)


def _calendar(first_year: int, last_year: int) -> Any:
    return exchange_calendars.get_calendar(
        EXCHANGE, start=f"{first_year}-01-01", end=f"{last_year}-12-31"
    )


@lru_cache(maxsize=8)
def _sessions_of_years(first_year: int, last_year: int) -> tuple[date, ...]:
    return tuple(session.date() for session in _calendar(first_year, last_year).sessions)


@lru_cache(maxsize=64)
def session_hours(day: date) -> tuple[datetime, datetime] | None:
    """Opening and close of a session, UTC, early closes included; None if it is none."""
    calendar, label = _calendar(day.year, day.year), day.isoformat()
    if not calendar.is_session(label):
        return None
    opens, closes = calendar.session_open(label), calendar.session_close(label)
    return opens.to_pydatetime(), closes.to_pydatetime()


def open_session(now: datetime) -> date | None:
    """The session of the day that has not closed yet at an aware instant; None after its close."""
    day = now.astimezone(EXCHANGE_ZONE).date()
    hours = session_hours(day)
    return day if hours and now < hours[1] else None


def sessions(first: date, last: date) -> list[date]:
    """The session dates from `first` to `last`, both included, ascending."""
    if first > last:
        return []
    # Nearly all spans are within these years, whose calendar is made once.
    years = _sessions_of_years(
        min(first.year, NUMBERED_FROM.year), max(last.year, date.today().year + 1)
    )
    return [session for session in years if first <= session <= last]


def session_numbers(days: Iterable[date]) -> dict[date, int]:
    """The place of each session in the exchange calendar; NUMBERED_FROM is session 0."""
    wanted = sorted(set(days))
    if not wanted:
        return {}
    listed = sessions(min(wanted[0], NUMBERED_FROM), max(wanted[-1], NUMBERED_FROM))
    start = listed.index(NUMBERED_FROM)
    places = {day: place - start for place, day in enumerate(listed)}
    return {day: places[day] for day in wanted if day in places}


def holidays(first: date, last: date) -> list[date]:
    """The weekdays from `first` to `last`, both included, on which the exchange stays closed."""
    open_days = set(sessions(first, last))
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if day.weekday() < SATURDAY and day not in open_days]


def last_closed_session(now: datetime) -> date:
    """The newest session that had closed, with a margin for late prices, at an aware instant."""
    local = now.astimezone(EXCHANGE_ZONE)
    is_over = local.hour >= SETTLED_HOUR
    last = local.date() if is_over else local.date() - timedelta(days=1)
    return sessions(last - LONGEST_CLOSURE, last)[-1]
