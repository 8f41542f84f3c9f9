"""Whether a published table is as new as it should be, judged by the newest event in its data.

A backfill of old partitions writes files today and leaves the newest event where it is, so it
cannot make a table look fresh. Holidays are known: on a Monday after a long weekend Friday's
session is still the newest one that can be there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.sources.market_calendar import sessions

NEW_YORK: Final = ZoneInfo("America/New_York")
# Prices of a session are there three hours after the close at the latest.
PRICES_ARE_THERE: Final = time(19, 0)
# Longer than any run of closed days, so that there is a session within.
LONGEST_CLOSURE: Final = timedelta(days=14)
# FRED's daily series follow within two weeks; the monthly ones are older than those.
MACRO_AGE: Final = timedelta(days=14)
NO_POLICY: Final = "no policy: its files come when people drop them"


@dataclass(frozen=True)
class Policy:
    """When which event date should be there: from an instant to a date, and the rule in words."""

    expected: Callable[[datetime], date]
    rule: str


def newest_session(now: datetime) -> date:
    """The newest session whose prices should be there at an instant."""
    local = now.astimezone(NEW_YORK)
    is_in = local.time() >= PRICES_ARE_THERE
    last = local.date() if is_in else local.date() - timedelta(days=1)
    return sessions(last - LONGEST_CLOSURE, last)[-1]


def newest_macro(now: datetime) -> date:
    """The oldest that the newest observation of any macro series may be."""
    return now.astimezone(NEW_YORK).date() - MACRO_AGE


POLICIES: Final[Mapping[str, Policy]] = {
    "exports/fct_daily_prices": Policy(newest_session, "every session by 19:00 New York time"),
    "exports/fct_macro_observations": Policy(newest_macro, "an observation of the last 14 days"),
}


def end_of(day: date) -> datetime:
    """The last instant of a simulated day, at the exchange."""
    return datetime.combine(day, time(23, 59, 59), NEW_YORK)


def judge(key: str, newest: date | None, now: datetime) -> dict[str, Any]:
    """One row of `operations/freshness` for a table with this newest event date."""
    row = {"asset_key": key, "newest_event_date": newest, "expected_by": None}
    policy = POLICIES.get(key)
    if policy is None:
        return row | {"state": "unknown", "reason": NO_POLICY}
    if newest is None:
        return row | {"state": "unknown", "reason": "the table holds no event yet"}
    expected = policy.expected(now)
    state = "fresh" if newest >= expected else "overdue"
    reason = f"{policy.rule}: newest event {newest}, expected {expected} or later"
    return row | {"expected_by": expected, "state": state, "reason": reason}


def judge_all(tables: Mapping[str, PublishedTable], now: datetime) -> list[dict[str, Any]]:
    """The rows of `operations/freshness` for every published table that has an event date."""
    dated = {key: table.as_of for key, table in tables.items() if table.as_of}
    return [judge(key, date.fromisoformat(day[:10]), now) for key, day in sorted(dated.items())]
