"""Release rules give the day on which a figure was surely public."""

from datetime import date

import polars as pl
import pytest

from financial_pipeline.transforms.release_rules import frequency, latest_release, release_date


def released(series_id: str, kind: str, day: date) -> date:
    frame = pl.DataFrame({"observation_date": [day]})
    found: date = frame.select(release_date(series_id, kind)).item()
    return found


@pytest.mark.parametrize(
    ("series_id", "kind", "observed", "expected"),
    [
        ("UNRATE", "monthly", date(2018, 12, 1), date(2019, 1, 10)),
        ("CPIAUCSL", "monthly", date(2018, 12, 1), date(2019, 1, 18)),
        ("FEDFUNDS", "monthly", date(2019, 1, 1), date(2019, 2, 18)),
        ("GDPC1", "quarterly", date(2018, 10, 1), date(2019, 1, 31)),
        ("GDPC1", "quarterly", date(2019, 1, 1), date(2019, 5, 1)),
        ("X", "semiannual", date(2018, 7, 1), date(2019, 1, 31)),
        ("DTB3", "biweekly", date(2019, 3, 1), date(2019, 3, 22)),
        ("X", "annual", date(2018, 1, 1), date(2019, 1, 31)),
        ("ICSA", "weekly", date(2019, 3, 2), date(2019, 3, 9)),
        ("DTB3", "daily", date(2019, 3, 28), date(2019, 3, 29)),
        ("DTB3", "daily", date(2019, 3, 29), date(2019, 4, 1)),
        ("DTB3", "daily", date(2018, 7, 3), date(2018, 7, 5)),
        ("DTB3", "daily", date(2018, 7, 4), date(2018, 7, 5)),
    ],
)
def test_release_date_follows_the_rule_of_the_series(
    series_id: str, kind: str, observed: date, expected: date
) -> None:
    assert released(series_id, kind, observed) == expected


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("1d", "daily"),
        ("1w", "weekly"),
        ("2w", "biweekly"),
        ("1mo", "monthly"),
        ("1q", "quarterly"),
        ("6mo", "semiannual"),
        ("1y", "annual"),
    ],
)
def test_frequency_is_told_by_the_usual_distance(interval: str, expected: str) -> None:
    days = pl.date_range(date(2000, 1, 1), date(2004, 1, 1), interval, eager=True)
    assert frequency(days.sample(fraction=1.0, shuffle=True, seed=1)) == expected


def test_frequency_is_not_misled_by_gaps() -> None:
    days = [date(2018, 11, 1), date(2019, 1, 1), date(2019, 2, 1)]
    assert frequency(pl.Series(days)) == "monthly"


def test_a_single_observation_shows_no_frequency() -> None:
    assert frequency(pl.Series([date(2000, 1, 1)])) is None


def test_the_later_rule_wins_where_the_frequencies_differ() -> None:
    frame = pl.DataFrame({"observation_date": [date(2020, 4, 1)]})
    found = frame.select(
        both=latest_release("UNRATE", "quarterly", "monthly"),
        unknown=latest_release("X", None),
    )
    assert found.row(0) == (date(2020, 7, 31), date(2020, 5, 18))
