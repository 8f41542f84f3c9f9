"""Days that a series observes: which one a reader meant by a day that is none of them."""

from calendar import monthrange
from datetime import MAXYEAR, date, timedelta
from typing import Final

import polars as pl

from financial_pipeline.schemas.macro_series import FREQUENCY_OF_SERIES

MONTHS: Final = {"monthly": 1, "quarterly": 3, "annual": 12}
DAYS_PER_WEEK: Final = 7
FRIDAY: Final = 5  # ISO day of the week.


def wrong_day(series_id: str, days: pl.Series, asked: date) -> str | None:
    """Return a sentence that names the nearest observation day, for a day that is not observed.

    `days` are the observation days of the series. None if the day is a later period of the series,
    which is not published yet.
    """
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    frequency = FREQUENCY_OF_SERIES.get(series_id)
    if asked < first:
        return f"{series_id} starts on {first}; {asked} is before its first observation."
    if asked > last:
        weekends = bool((days.dt.weekday() > FRIDAY).any())
        meant = _period_of(frequency, asked, last, weekends)
        return None if meant == asked else f"{series_id} is {frequency}; did you mean {meant}?"
    before, after = days.filter(days <= asked).max(), days.filter(days >= asked).min()
    assert isinstance(before, date)
    assert isinstance(after, date)
    # A day within a month, quarter or year means that period.
    if frequency in MONTHS and asked < _next_period(frequency, before):
        return f"{series_id} is {frequency}; did you mean {before}?"
    nearest = after if after - asked < asked - before else before
    return f"{series_id} has no observation of {asked}; did you mean {nearest}?"


def _next_period(frequency: str, day: date) -> date:
    number = 12 * day.year + day.month - 1 + MONTHS[frequency]
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _period_of(frequency: str | None, asked: date, last: date, weekends: bool) -> date:
    """Return the observation day of the period that contains `asked`, which is after the last."""
    if asked.year == MAXYEAR:
        # The period after it has no date.
        return asked
    if frequency in MONTHS:
        day = last
        while (later := _next_period(frequency, day)) <= asked:
            day = later
        return day
    if frequency == "weekly":
        return asked - timedelta(days=(asked - last).days % DAYS_PER_WEEK)
    after_friday = asked.isoweekday() - FRIDAY
    is_closed = frequency == "daily" and not weekends and after_friday > 0
    return asked - timedelta(days=after_friday) if is_closed else asked
