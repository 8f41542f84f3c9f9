"""Freshness follows the newest event in the data, the world's clock and the exchange's holidays."""

from datetime import date, datetime

import pytest

from financial_pipeline.alerts.freshness import NEW_YORK, end_of, judge, newest_session
from financial_pipeline.schemas.operations import FRESHNESS

PRICES = "exports/fct_daily_prices"


@pytest.mark.parametrize(
    ("now", "session"),
    [
        # After the evening of a trading day, its own session; before, the one before.
        (datetime(2019, 3, 28, 19, 0), date(2019, 3, 28)),
        (datetime(2019, 3, 28, 18, 59), date(2019, 3, 27)),
        # A Saturday, and the Tuesday morning after Martin Luther King Day.
        (datetime(2019, 3, 30, 12, 0), date(2019, 3, 29)),
        (datetime(2019, 1, 22, 9, 0), date(2019, 1, 18)),
        # Good Friday 2019.
        (datetime(2019, 4, 19, 23, 0), date(2019, 4, 18)),
    ],
)
def test_newest_session_knows_evenings_weekends_and_holidays(now: datetime, session: date) -> None:
    assert newest_session(now.replace(tzinfo=NEW_YORK)) == session


def test_table_whose_newest_session_is_missing_is_overdue() -> None:
    now = end_of(date(2019, 3, 29))
    assert judge(PRICES, date(2019, 3, 29), now)["state"] == "fresh"
    late = judge(PRICES, date(2019, 3, 28), now)
    assert (late["state"], late["expected_by"]) == ("overdue", date(2019, 3, 29))
    assert "2019-03-29" in late["reason"]


def test_table_without_a_policy_or_without_rows_is_unknown() -> None:
    now = end_of(date(2019, 3, 29))
    assert judge("exports/fct_loans", date(2018, 12, 1), now)["state"] == "unknown"
    assert judge(PRICES, None, now)["state"] == "unknown"
    assert set(judge(PRICES, None, now)) == set(FRESHNESS.columns)
