"""Freshness of published tables, judged by the newest event in their data.

A backfill of old partitions writes files today without a newer event, so it cannot make a table
look fresh. Holidays are known: on a Monday after a long weekend the newest possible session is
still Friday's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.sources.market_calendar import sessions

NEW_YORK: Final = ZoneInfo("America/New_York")
# Prices of a session are published three hours after the close at the latest.
PRICES_ARE_THERE: Final = time(19, 0)
# Longer than any closure, so that every window of this length contains a session.
LONGEST_CLOSURE: Final = timedelta(days=14)
# FRED's daily series follow within two weeks; the monthly ones are older than those.
MACRO_AGE: Final = timedelta(days=14)
NO_POLICY: Final = "no policy: its files come when people drop them"


@dataclass(frozen=True)
class Policy:
    """The event date that is expected at an instant, and the rule in words."""

    expected: Callable[[datetime], date]
    rule: str


def newest_session(now: datetime) -> date:
    """Return the newest session whose prices are expected at an instant."""
    local = now.astimezone(NEW_YORK)
    is_in = local.time() >= PRICES_ARE_THERE
    last = local.date() if is_in else local.date() - timedelta(days=1)
    return sessions(last - LONGEST_CLOSURE, last)[-1]


def newest_macro(now: datetime) -> date:
    """Return the oldest acceptable date of the newest macro observation."""
    return now.astimezone(NEW_YORK).date() - MACRO_AGE


POLICIES: Final[Mapping[str, Policy]] = {
    "exports/fct_daily_prices": Policy(newest_session, "every session by 19:00 New York time"),
    "exports/fct_macro_observations": Policy(newest_macro, "an observation of the last 14 days"),
}


def end_of(day: date) -> datetime:
    """Return the last instant of a simulated day, at the exchange."""
    return datetime.combine(day, time(23, 59, 59), NEW_YORK)


def judge(key: str, newest: date | None, now: datetime) -> dict[str, Any]:
    """Make the row of `operations/freshness` for a table with this newest event date."""
    row = {"asset_key": key, "newest_event_date": newest, "expected_by": None}
    policy = POLICIES.get(key)
    if policy is None:
        return row | {"state": "unknown", "reason": NO_POLICY}
    if newest is None:
        return row | {"state": "unknown", "reason": "the table has no event yet"}
    expected = policy.expected(now)
    state = "fresh" if newest >= expected else "overdue"
    reason = f"{policy.rule}: newest event {newest}, expected {expected} or later"
    return row | {"expected_by": expected, "state": state, "reason": reason}


def judge_all(tables: Mapping[str, PublishedTable], now: datetime) -> list[dict[str, Any]]:
    """Make the rows of `operations/freshness` for every published table that has an event date."""
    dated = {key: table.as_of for key, table in tables.items() if table.as_of}
    return [judge(key, date.fromisoformat(day[:10]), now) for key, day in sorted(dated.items())]
