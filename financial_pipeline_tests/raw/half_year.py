"""A small upstream for whole runs: five banks of half a year, and macro series with vintages."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from financial_pipeline_tests.raw.upstream import KEY, Upstream, cassette

BANKS = ("JPM", "BAC", "C", "WFC", "GS")
FIRST_SESSION = date(2011, 1, 3)
# Citigroup's 1-for-10 reverse split: trading from this day.
REVERSE_SPLIT = date(2011, 5, 9)
LAST_SESSION = date(2011, 7, 29)
# The exchange opens at 14:30 UTC in winter; Yahoo dates a daily bar so.
OPEN_HOUR, OPEN_MINUTE = 14, 30


def second(day: date) -> int:
    """The timestamp of a daily bar."""
    moment = datetime(day.year, day.month, day.day, OPEN_HOUR, OPEN_MINUTE, tzinfo=UTC)
    return int(moment.timestamp())


def chart(path: Path, symbol: str, first: date, last: date) -> dict[str, Any]:
    """The chart that Yahoo would answer with, from a file of its prices."""
    with path.open(encoding="utf-8", newline="") as reader:
        rows = [row for row in csv.DictReader(reader) if str(first) <= row["Date"] <= str(last)]
    quote = {name.lower(): [float(row[name]) for row in rows] for name in ("Open", "High", "Low")}
    quote["close"] = [float(row["Close"]) for row in rows]
    quote["volume"] = [int(row["Volume"]) for row in rows]
    meta = {
        "symbol": symbol,
        "currency": "USD",
        "exchangeName": "NYQ",
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EST",
        "gmtoffset": -18000,
        "dataGranularity": "1d",
        "priceHint": 2,
        "validRanges": ["1d", "max"],
    }
    return {
        "meta": meta,
        "timestamp": [second(date.fromisoformat(row["Date"])) for row in rows],
        "events": {},
        "indicators": {
            "quote": [quote],
            "adjclose": [{"adjclose": [float(row["Adj Close"]) for row in rows]}],
        },
    }


def add_split(result: dict[str, Any], day: date, numerator: int, denominator: int) -> None:
    """Add a split to a chart, whose prices know of it already."""
    event = {"date": second(day), "numerator": numerator, "denominator": denominator}
    result["events"].setdefault("splits", {})[str(second(day))] = event


def fill(upstream: Upstream, shared_data: Path, last: date = LAST_SESSION) -> None:
    """Serve five real banks up to `last`, the recorded GDP and a series with one revision."""
    folder = shared_data / "prices" / "yahoo_classic_2004_2018"
    for bank in BANKS:
        upstream.charts[bank] = chart(folder / f"{bank}.csv", bank, FIRST_SESSION, last)
    add_split(upstream.charts["C"], REVERSE_SPLIT, 1, 10)
    recorded = cassette(shared_data / "http_fred" / "test_get_series_all_releases_pandas.yaml")
    upstream.series["GDP"] = recorded[0]["observations"]
    upstream.series["UNRATE"] = [
        _observation("2011-03-04", "2011-04-01", "2011-02-01", "8.9"),
        _observation("2011-04-02", "9999-12-31", "2011-02-01", "9.0"),
        _observation("2011-04-02", "9999-12-31", "2011-03-01", "."),
    ]


def _observation(start: str, end: str, day: str, value: str) -> dict[str, str]:
    return {"realtime_start": start, "realtime_end": end, "date": day, "value": value}


def environment(upstream: Upstream) -> dict[str, str]:
    """The variables that point a command at an upstream."""
    return {
        "FINANCIAL_PIPELINE_YAHOO_URL": upstream.url,
        "FINANCIAL_PIPELINE_FRED_URL": f"{upstream.url}/fred",
        "FINANCIAL_PIPELINE_FRED_SERIES": '["GDP", "UNRATE"]',
        "FINANCIAL_PIPELINE_FIRST_SESSION": str(FIRST_SESSION),
        "FINANCIAL_PIPELINE_REQUEST_PAUSE_SECONDS": "0",
        "FINANCIAL_PIPELINE_CACHE_HOURS": "0",
        "FRED_API_KEY": KEY,
    }
