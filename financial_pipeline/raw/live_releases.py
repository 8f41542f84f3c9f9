"""The macro releases that a producer sends: of the simulated world, or of FRED today."""

import json

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.raw.live_fetching import http_client
from financial_pipeline.schemas.macro_release import MacroRelease
from financial_pipeline.settings import Settings
from financial_pipeline.sources import landing
from financial_pipeline.sources.fred_api import AlfredClient, missing_key
from financial_pipeline.sources.fred_releases import releases


def _require_world(paths: Paths, source: str) -> None:
    """Raise PipelineError if the data root contains another world than this one."""
    place = paths.data_root / "world.json"
    held = json.loads(place.read_text("utf-8"))["source"] if place.exists() else source
    if held != source:
        raise PipelineError(
            f"The data root {paths.data_root} contains the world `{held}`, and releases of"
            f" `{source}` would mix with it: set"
            " FINANCIAL_PIPELINE_SOURCE to match, or pass another"
            " --data-root."
        )


def simulated_releases(paths: Paths) -> list[MacroRelease]:
    """All releases of the simulated world; raises PipelineError if there is none."""
    _require_world(paths, "simulated")
    folder = paths.simulated_landing / "fred"
    files = landing.candidates(folder)
    if not files:
        raise PipelineError(
            f"No simulated macro series in {folder}: run `financial-pipeline demo` on this data"
            " root."
        )
    return [
        release for file in files for release in releases(file.read_bytes(), file.stem, "simulated")
    ]


def fred_releases(settings: Settings, paths: Paths) -> list[MacroRelease]:
    """All releases of the configured series; raises PipelineError without a key or an answer."""
    _require_world(paths, "live")
    if settings.fred_api_key is None:
        raise missing_key()
    client = AlfredClient(settings.fred_api_key, http_client(settings, paths), settings.fred_url)
    return [
        release
        for series_id in settings.fred_series
        for release in releases(client.all_vintages(series_id), series_id, "alfred")
    ]
