"""The session calendar reaches back before the library's default and knows unplanned closures."""

from datetime import date

from financial_pipeline.sources.market_calendar import holidays, sessions


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
