"""Live fetching: new prices and macro releases of the upstreams, one function per family.

Schedules call a family's function and then run its job; the commands call `fetch_new`.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

from financial_pipeline.files import replace_file, replace_json, sha256
from financial_pipeline.paths import Paths
from financial_pipeline.raw import live_prices
from financial_pipeline.settings import Settings
from financial_pipeline.sources.fred_api import AlfredClient, missing_key
from financial_pipeline.sources.http_client import HttpClient, ProviderFailure
from financial_pipeline.sources.provenance import record_files

MISSING = "."
# Failures of one series; any other one is of the provider.
OF_ONE_SERIES = ("refused", "empty_answer", "changed_layout", "wrong_period")
NOT_FETCHED = "not fetched"
# Of the last command, for its summary.
NOT_FETCHED_FILE = "not_fetched.json"

Found = TypeVar("Found")


def _client(settings: Settings, http: HttpClient) -> AlfredClient:
    if settings.fred_api_key is None:
        raise missing_key()
    return AlfredClient(settings.fred_api_key, http, settings.fred_url)


def _newest_start(paths: Paths, series_id: str) -> date | None:
    """The newest release that the landing folder contains of a series."""
    place = paths.live_landing / "fred" / f"{series_id}.json"
    if not place.exists():
        return None
    rows = json.loads(place.read_text("utf-8"))["observations"]
    return max(date.fromisoformat(row["realtime_start"]) for row in rows)


def _each(series: Sequence[str], ask: Callable[[str], Found]) -> tuple[dict[str, Found], list[str]]:
    """The answers by series, and a sentence for each series that FRED does not serve.

    Raises ProviderFailure if FRED serves none of them, or cannot be asked at all.
    """
    found: dict[str, Found] = {}
    failures: list[ProviderFailure] = []
    sentences = []
    for series_id in series:
        try:
            found[series_id] = ask(series_id)
        except ProviderFailure as error:
            if error.reason not in OF_ONE_SERIES:
                raise
            failures.append(error)
            sentences.append(f"{series_id}: {NOT_FETCHED}: {error}")
    if failures and not found:
        raise failures[0]
    return found, sentences


def _releases_since_last_fetch(
    settings: Settings, paths: Paths, http: HttpClient
) -> tuple[list[str], list[str]]:
    """The configured series with a release that was not fetched yet, and the failed ones.

    One request a series. Raises PipelineError without a key, and as `_each`.
    """
    dates, failed = _each(settings.fred_series, _client(settings, http).vintage_dates)
    held = {series_id: _newest_start(paths, series_id) for series_id in dates}
    fresh = [
        series_id
        for series_id, days in dates.items()
        if days and ((newest := held[series_id]) is None or days[-1] > newest)
    ]
    return fresh, failed


def _fetch_series(
    settings: Settings, paths: Paths, http: HttpClient, series: Sequence[str]
) -> list[str]:
    """Write all vintages of these series to the live landing folder; a sentence for each."""
    client = _client(settings, http)

    def fetch(series_id: str) -> str:
        content = client.all_vintages(series_id)
        place = paths.live_landing / "fred" / f"{series_id}.json"
        replace_file(place, content)
        record_files(place.parent, {place.name: sha256(place)}, provider="alfred")
        values = [row["value"] for row in json.loads(content)["observations"]]
        missing = values.count(MISSING)
        return f"{series_id}: {len(values):,} values from FRED, {missing:,} of them missing"

    found, failed = _each(series, fetch)
    return [*found.values(), *failed]


SECONDS_PER_HOUR = 3600.0


def http_client(settings: Settings, paths: Paths) -> HttpClient:
    """Build the HTTP client of one run from the settings."""
    return HttpClient(
        cache=paths.http_cache,
        budget=settings.request_budget,
        cache_seconds=settings.cache_hours * SECONDS_PER_HOUR,
        pause_seconds=settings.request_pause_seconds,
    )


def fetch_new_prices(settings: Settings, paths: Paths) -> list[str]:
    """Fetch sessions that closed since the last fetch; returns a sentence a symbol.

    Raises PipelineError if no configured provider serves a symbol.
    """
    http = http_client(settings, paths)
    return live_prices.fetch_prices(settings, paths, http, datetime.now(UTC))


def fetch_new_macro(settings: Settings, paths: Paths) -> list[str]:
    """Fetch all vintages of every configured series with a new release; a sentence for each."""
    if not settings.fred_series:
        return []
    http = http_client(settings, paths)
    fresh, failed = _releases_since_last_fetch(settings, paths, http)
    sentences = _fetch_series(settings, paths, http, fresh) + failed
    named = {sentence.split(":")[0] for sentence in sentences}
    return sentences + [
        f"{name}: no new release" for name in settings.fred_series if name not in named
    ]


def fetch_new(settings: Settings, paths: Paths, report: Callable[[str], None]) -> None:
    """Fetch prices and macro series; `report` receives each sentence.

    Raises PipelineError with one sentence; data fetched before it is kept for the next run.
    """
    if settings.fred_series and settings.fred_api_key is None:
        raise missing_key()
    failed = []
    for fetch in (fetch_new_prices, fetch_new_macro):
        for sentence in fetch(settings, paths):
            report(sentence)
            failed += [sentence] if f": {NOT_FETCHED}: " in sentence else []
    replace_json(paths.raw / NOT_FETCHED_FILE, failed)
