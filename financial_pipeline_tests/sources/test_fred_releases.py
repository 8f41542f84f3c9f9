"""Releases out of the API's answer over all vintages, and back into its form."""

import json

from financial_pipeline.schemas.macro_release import MacroRelease
from financial_pipeline.sources.fred_releases import (
    Row,
    api_document,
    release_document,
    releases,
)


def row(start: str, end: str, day: str, value: str) -> Row:
    return {"realtime_start": start, "realtime_end": end, "date": day, "value": value}


ROWS = [
    row("2011-03-04", "2011-04-01", "2011-02-01", "8.9"),
    row("2011-04-02", "9999-12-31", "2011-02-01", "9.0"),
    row("2011-04-02", "9999-12-31", "2011-03-01", "."),
    row("2011-05-01", "2011-06-30", "2011-04-01", "9.1"),
]


def release(*texts: str | None) -> MacroRelease:
    day, start, end, value = texts
    return MacroRelease("UNRATE", str(day), str(start), end, value, "alfred")


EXPECTED = [
    release("2011-02-01", "2011-03-04", None, "8.9"),
    release("2011-02-01", "2011-04-02", None, "9.0"),
    release("2011-03-01", "2011-04-02", None, None),
    release("2011-04-01", "2011-05-01", "2011-06-30", "9.1"),
]


def test_only_a_value_that_nothing_followed_says_when_it_ended() -> None:
    assert releases(api_document(ROWS), "UNRATE", "alfred") == EXPECTED


def test_releases_in_any_order_give_the_document_back() -> None:
    assert release_document(reversed(EXPECTED)) == api_document(ROWS)


def test_the_later_statement_on_one_publication_counts() -> None:
    withdrawn = EXPECTED[1]._replace(realtime_end="2012-01-01")
    document = json.loads(release_document([EXPECTED[1], withdrawn]))
    assert document["observations"] == [row("2011-04-02", "2012-01-01", "2011-02-01", "9.0")]
