"""Ingestion: from the landing and drop folders to the raw archive."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from financial_pipeline import world
from financial_pipeline.errors import PipelineError
from financial_pipeline.files import replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, live_fetching, restatements
from financial_pipeline.schemas.raw import LandedFile, RawFile
from financial_pipeline.settings import Settings
from financial_pipeline.simulator import world as simulator
from financial_pipeline.sources import landing, lending_club, loan_copies


def landing_folder(settings: Settings, paths: Paths) -> Path:
    """The drop folder of the configured source; raises PipelineError if none is given."""
    if settings.source == "simulated":
        return paths.simulated_landing
    if settings.source == "live":
        return paths.live_landing
    if settings.landing is None:
        raise PipelineError(
            "The source `files` needs a drop folder; pass --landing DIR or set"
            " FINANCIAL_PIPELINE_LANDING."
        )
    if not settings.landing.is_dir():
        raise PipelineError(
            f"The drop folder {settings.landing} does not exist; pass the folder that contains your"
            " files with --landing DIR."
        )
    return settings.landing


def prepare(settings: Settings, paths: Paths, report: Callable[[str], None]) -> None:
    """Make sure that there is something to read: the simulated world is written if missing, and
    what is new at the live sources is fetched. `report` receives a sentence for each.
    """
    folder = landing_folder(settings, paths)
    world.claim_data_root(settings, paths)
    if settings.source == "simulated":
        simulator.write_world(folder, loans=settings.loans, seed=settings.seed)
    if settings.source == "live":
        live_fetching.fetch_new(settings, paths, report)


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def candidates(settings: Settings, paths: Paths) -> list[Path]:
    """Return the files that may be data, those that the stream landed included.

    In a live world, prices of the drop folder only as the chain took them.
    """
    found = landing.candidates(landing_folder(settings, paths))
    found += landing.candidates(paths.streamed_landing)
    if settings.source != "live" or settings.landing is None:
        return found
    dropped = landing.candidates(settings.landing)
    return found + [path for path in dropped if not landing.is_price_file(path)]


def landed_files(settings: Settings, paths: Paths) -> list[LandedFile]:
    """Detect the files of the drop folder from their content; unchanged files are not read again.

    A file that is none of the known forms is left out, and `unread_files` returns why. Raises
    PipelineError if no file is left.
    """
    cache = _detected(paths)
    known = json.loads(cache.read_text("utf-8")) if cache.exists() else {}
    rows: dict[str, dict[str, Any]] = {}
    files = []
    for path in candidates(settings, paths):
        stamp = _stamp(path)
        row = known.get(str(path))
        if row is None or row["stamp"] != stamp or "unread" in row:
            row = {"stamp": stamp, **_detect(path)}
        rows[str(path)] = row
        if "landed" in row:
            files.append(archive.landed_from_row(row["landed"]))
    replace_json(cache, rows)
    if unread := [row["unread"] for row in rows.values() if "unread" in row and not files]:
        raise PipelineError(str(unread[0]))
    return landing.join_parts(files)


def _detected(paths: Paths) -> Path:
    return paths.raw / "detected.json"


def _detect(path: Path) -> dict[str, Any]:
    try:
        return {"landed": archive.landed_to_row(landing.detect(path))}
    except PipelineError as error:
        return {"unread": str(error)}


def unread_files(paths: Paths) -> list[str]:
    """Why files of the drop folder were left out when it was last read, a sentence for each."""
    if not _detected(paths).exists():
        return []
    rows = json.loads(_detected(paths).read_text("utf-8")).values()
    return [str(row["unread"]) for row in rows if "unread" in row]


def named_copies(settings: Settings, landed: Sequence[LandedFile]) -> list[str]:
    """Sentences about the files of a drop folder: known copies, remarks, and ignored files."""
    if settings.source == "simulated":
        return []
    ignored = landing.leftovers(settings.landing) if settings.landing else ""
    loans = [file for file in landed if file.dataset == lending_club.DATASET]
    copies = [loan_copies.describe_copy(file) for file in loans]
    remarks = [f"{file.path.name}: {remark}" for file in landed for remark in file.remarks]
    return copies + remarks + ([ignored] if ignored else [])


def archive_dataset(settings: Settings, paths: Paths, dataset: str) -> tuple[list[RawFile], int]:
    """Archive the landed files of one dataset; return the landed files' rows and the number new."""
    landed = [file for file in landed_files(settings, paths) if file.dataset == dataset]
    if dataset == lending_club.DATASET:
        # Files that are dropped together arrive in the order in which they were written.
        landed.sort(key=lambda file: file.path.stat().st_mtime_ns)
    stored = archive.archive(paths, landed)
    if dataset == "bank_prices":
        restatements.record(paths)
    return stored
