"""The session calendar reaches back before the library's default and knows unplanned closures."""

from datetime import UTC, date, datetime

import pytest

from financial_pipeline.sources.market_calendar import holidays, open_session, sessions


def test_sessions_reach_back_to_the_first_session_of_the_default_range() -> None:
    days = sessions(date(2000, 1, 1), date(2019, 3, 31))
    assert (days[0], days[-1], len(days)) == (date(2000, 1, 3), date(2019, 3, 29), 4840)


def test_sessions_of_an_empty_range_are_none() -> None:
    assert sessions(date(2019, 1, 5), date(2019, 1, 6)) == []
    assert sessions(date(2019, 1, 5), date(2019, 1, 4)) == []


def test_holidays_are_closed_weekdays_planned_or_not() -> None:
    assert holidays(date(2001, 9, 1), date(2001, 9, 30)) == [
        date(2001, 9, day) for day in (3, 11, 12, 13, 14)
    ]
    assert holidays(date(2019, 4, 19), date(2019, 4, 21)) == [date(2019, 4, 19)]


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (datetime(2018, 7, 2, 19, 59, tzinfo=UTC), True),
        (datetime(2018, 7, 2, 20, 0, tzinfo=UTC), False),
        # The day before the Fourth of July ends at one o'clock.
        (datetime(2018, 7, 3, 16, 59, tzinfo=UTC), True),
        (datetime(2018, 7, 3, 17, 0, tzinfo=UTC), False),
        (datetime(2018, 7, 4, 15, 0, tzinfo=UTC), False),
        # Already the next day in London.
        (datetime(2018, 7, 6, 1, 0, tzinfo=UTC), False),
    ],
)
def test_a_session_is_open_until_its_own_close(now: datetime, is_open: bool) -> None:
    expected = now.date() if is_open else None
    assert open_session(now) == expected
