"""Macro releases from their topic to the raw archive, through the ledger.

A range lands as all others do: one immutable Parquet file, then the ledger. Releases that are new
in the range are then written in the form of the FRED API, one file per series, and archived like a
dropped file. Work that the ledger does not record as published is repeated after a kill, with the
same bytes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from financial_pipeline.files import locked, replace_file, sha256
from financial_pipeline.raw import archive
from financial_pipeline.schemas.macro_release import MacroRelease
from financial_pipeline.schemas.macro_series import known_series
from financial_pipeline.schemas.stream import MACRO_TOPIC
from financial_pipeline.settings import Settings
from financial_pipeline.sources import fred
from financial_pipeline.sources.fred_releases import release_document
from financial_pipeline.sources.provenance import record_files
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.ledger import LandedRange
from financial_pipeline.streaming.macro import decode

SIMULATED = "simulated"


@dataclass(frozen=True)
class MacroLanded:
    """One landing: messages landed, releases that were new, and files archived for them.

    `unreadable` messages, and those of an unknown series, are in the landed file as they came.
    """

    messages: int = 0
    releases: int = 0
    files: int = 0
    unreadable: int = 0


def land_macro(landing: Landing, run_id: str) -> MacroLanded:
    """Land and archive all releases that wait; another process may do the same at once."""
    landing.land_rest(MACRO_TOPIC, landing.waiting((MACRO_TOPIC,)).get(MACRO_TOPIC, {}), run_id)
    return archive_landed(landing)


def archive_landed(landing: Landing) -> MacroLanded:
    """Archive the ranges of the ledger that the archive may lack."""
    if not landing.ledger.ranges(MACRO_TOPIC, unpublished=True):
        return MacroLanded()
    with locked(landing.paths.data_root / ".macro_releases.lock"):
        fresh = landing.ledger.ranges(MACRO_TOPIC, unpublished=True)
        names = {one.file for one in fresh}
        earlier = [one for one in landing.ledger.ranges(MACRO_TOPIC) if one.file not in names]
        known = {one for one in _decoded(landing, earlier) if one is not None}
        parts = []
        for one in fresh:
            parts.append(_archive_range(landing, one, known))
            landing.ledger.mark_published([one])
    return MacroLanded(
        *(sum(part[place] for part in parts) for place in range(4)),
    )


def _decoded(landing: Landing, ranges: Sequence[LandedRange]) -> list[MacroRelease | None]:
    """The releases of messages; None for an unreadable one, and for one of an unknown series."""
    known = known_series(Settings().fred_series)
    decoded = [decode(value) for value in landing.read(list(ranges))["value"]]
    return [one if one and one.series_id in known else None for one in decoded]


def _archive_range(
    landing: Landing, one: LandedRange, known: set[MacroRelease]
) -> tuple[int, int, int, int]:
    """Archive the releases of a range that are not `known`, and add them to it."""
    found = _decoded(landing, [one])
    new = dict.fromkeys(release for release in found if release and release not in known)
    known.update(new)
    series: dict[tuple[str, str], list[MacroRelease]] = defaultdict(list)
    for release in new:
        series[release.source, release.series_id].append(release)
    folder = landing.paths.streamed_landing / landing.log.engine
    files = []
    for (source, series_id), some in series.items():
        place = folder / source / Path(one.file).stem / f"{series_id}.json"
        replace_file(place, release_document(some))
        hashes = {place.name: sha256(place)}
        record_files(place.parent, hashes, provider=source, is_synthetic=source == SIMULATED)
        files.append(fred.describe(place))
    _, added = archive.archive(landing.paths, files)
    return len(found), len(new), added, found.count(None)
