"""What is new upstream, fetched into the landing folder: one function a family, one for all.

Schedules call a family's function and then run its job; the commands call `fetch_new`.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from financial_pipeline.paths import Paths
from financial_pipeline.raw import live_macro, live_prices
from financial_pipeline.settings import Settings
from financial_pipeline.sources.fred_api import missing_key
from financial_pipeline.sources.http_client import HttpClient

SECONDS_PER_HOUR = 3600.0


def http_client(settings: Settings, paths: Paths) -> HttpClient:
    """The manners of one run, from the settings."""
    return HttpClient(
        cache=paths.http_cache,
        budget=settings.request_budget,
        cache_seconds=settings.cache_hours * SECONDS_PER_HOUR,
        pause_seconds=settings.request_pause_seconds,
    )


def fetch_new_prices(settings: Settings, paths: Paths, now: datetime | None = None) -> list[str]:
    """Fetch sessions that closed since the last fetch; returns a sentence a symbol.

    Raises PipelineError where no configured provider serves a symbol.
    """
    http = http_client(settings, paths)
    return live_prices.fetch_prices(settings, paths, http, now or datetime.now(UTC))


def new_macro_releases(settings: Settings, paths: Paths) -> list[str]:
    """The configured series that FRED has a newer release of than the landing folder.

    Raises PipelineError without a key, or where FRED cannot be asked.
    """
    return list(live_macro.new_releases(settings, paths, http_client(settings, paths)))


def fetch_new_macro(settings: Settings, paths: Paths) -> list[str]:
    """Fetch all vintages of every configured series with a new release; a sentence for each."""
    if not settings.fred_series:
        return []
    http = http_client(settings, paths)
    fresh = live_macro.new_releases(settings, paths, http)
    told = live_macro.fetch_series(settings, paths, http, list(fresh))
    return told + [f"{name}: no new release" for name in settings.fred_series if name not in fresh]


def fetch_new(settings: Settings, paths: Paths, report: Callable[[str], None]) -> None:
    """Fetch prices and macro series; `report` is told each sentence.

    Raises PipelineError with one sentence; what was fetched before it stays for the next run.
    """
    if settings.fred_series and settings.fred_api_key is None:
        raise missing_key()
    for fetch in (fetch_new_prices, fetch_new_macro):
        for sentence in fetch(settings, paths):
            report(sentence)
