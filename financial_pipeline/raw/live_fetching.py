"""Live fetching: new prices and macro releases of the upstreams, one function per family.

Schedules call a family's function and then run its job; the commands call `fetch_new`.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from financial_pipeline.files import replace_file, sha256
from financial_pipeline.paths import Paths
from financial_pipeline.raw import live_prices
from financial_pipeline.settings import Settings
from financial_pipeline.sources.fred_api import AlfredClient, missing_key
from financial_pipeline.sources.http_client import HttpClient
from financial_pipeline.sources.provenance import record_files

MISSING = "."


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


def _releases_since_last_fetch(
    settings: Settings, paths: Paths, http: HttpClient
) -> dict[str, date]:
    """The configured series with a release that was not fetched yet, and its date.

    One request a series. Raises PipelineError without a key, ProviderFailure as `AlfredClient`.
    """
    client = _client(settings, http)
    found = {}
    for series_id in settings.fred_series:
        newest = client.vintage_dates(series_id)[-1:]
        held = _newest_start(paths, series_id)
        if newest and (held is None or newest[0] > held):
            found[series_id] = newest[0]
    return found


def _fetch_series(
    settings: Settings, paths: Paths, http: HttpClient, series: Sequence[str]
) -> list[str]:
    """Write all vintages of these series to the live landing folder; a sentence for each."""
    client, sentences = _client(settings, http), []
    for series_id in series:
        content = client.all_vintages(series_id)
        place = paths.live_landing / "fred" / f"{series_id}.json"
        replace_file(place, content)
        record_files(place.parent, {place.name: sha256(place)}, provider="alfred")
        values = [row["value"] for row in json.loads(content)["observations"]]
        missing = values.count(MISSING)
        sentences.append(
            f"{series_id}: {len(values):,} values from FRED, {missing:,} of them missing"
        )
    return sentences


SECONDS_PER_HOUR = 3600.0


def http_client(settings: Settings, paths: Paths) -> HttpClient:
    """Build the HTTP client of one run from the settings."""
    return HttpClient(
        cache=paths.http_cache,
        budget=settings.request_budget,
        cache_seconds=settings.cache_hours * SECONDS_PER_HOUR,
        pause_seconds=settings.request_pause_seconds,
    )


def fetch_new_prices(settings: Settings, paths: Paths, now: datetime | None = None) -> list[str]:
    """Fetch sessions that closed since the last fetch; returns a sentence a symbol.

    Raises PipelineError if no configured provider serves a symbol.
    """
    http = http_client(settings, paths)
    return live_prices.fetch_prices(settings, paths, http, now or datetime.now(UTC))


def new_macro_releases(settings: Settings, paths: Paths) -> list[str]:
    """The configured series that FRED has a newer release of than the landing folder.

    Raises PipelineError without a key, or if FRED cannot be asked.
    """
    return list(_releases_since_last_fetch(settings, paths, http_client(settings, paths)))


def fetch_new_macro(settings: Settings, paths: Paths) -> list[str]:
    """Fetch all vintages of every configured series with a new release; a sentence for each."""
    if not settings.fred_series:
        return []
    http = http_client(settings, paths)
    fresh = _releases_since_last_fetch(settings, paths, http)
    sentences = _fetch_series(settings, paths, http, list(fresh))
    return sentences + [
        f"{name}: no new release" for name in settings.fred_series if name not in fresh
    ]


def fetch_new(settings: Settings, paths: Paths, report: Callable[[str], None]) -> None:
    """Fetch prices and macro series; `report` receives each sentence.

    Raises PipelineError with one sentence; what was fetched before it stays for the next run.
    """
    if settings.fred_series and settings.fred_api_key is None:
        raise missing_key()
    for fetch in (fetch_new_prices, fetch_new_macro):
        for sentence in fetch(settings, paths):
            report(sentence)
