"""Fetch what is new about macro series: all vintages of a series that has a new release."""

import json
from collections.abc import Sequence
from datetime import date

from financial_pipeline.files import replace_file, sha256
from financial_pipeline.paths import Paths
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
    """The newest release that the landing folder holds of a series."""
    place = paths.live_landing / "fred" / f"{series_id}.json"
    if not place.exists():
        return None
    rows = json.loads(place.read_text("utf-8"))["observations"]
    return max(date.fromisoformat(row["realtime_start"]) for row in rows)


def new_releases(settings: Settings, paths: Paths, http: HttpClient) -> dict[str, date]:
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


def fetch_series(
    settings: Settings, paths: Paths, http: HttpClient, series: Sequence[str]
) -> list[str]:
    """Write all vintages of these series to the live landing folder; a sentence for each."""
    client, told = _client(settings, http), []
    for series_id in series:
        content = client.all_vintages(series_id)
        place = paths.live_landing / "fred" / f"{series_id}.json"
        replace_file(place, content)
        record_files(place.parent, {place.name: sha256(place)}, provider="alfred")
        values = [row["value"] for row in json.loads(content)["observations"]]
        missing = values.count(MISSING)
        told.append(f"{series_id}: {len(values):,} values from FRED, {missing:,} of them missing")
    return told
