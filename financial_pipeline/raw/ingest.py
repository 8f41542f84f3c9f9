"""Ingestion: from the landing and drop folders to the raw archive."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from financial_pipeline import world
from financial_pipeline.changes import code
from financial_pipeline.changes.file_hashes import content_hashes, read_hashes
from financial_pipeline.changes.file_hashes import stamp as file_stamp
from financial_pipeline.errors import NoDropFolder, PipelineError
from financial_pipeline.files import cached_json, replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, live_fetching, refusals, restatements, withdrawals
from financial_pipeline.schemas.raw import LandedFile, RawFile
from financial_pipeline.settings import Settings
from financial_pipeline.simulator import world as simulator
from financial_pipeline.sources import landing, lending_club, loan_copies

# The cache of detected files in the raw folder.
DETECTED: Final = "detected.json"


def landing_folder(settings: Settings, paths: Paths) -> Path:
    """The drop folder of the configured source; raises PipelineError if none is given."""
    if settings.source == "simulated":
        return paths.simulated_landing
    if settings.source == "live":
        return paths.live_landing
    if settings.landing is None or not settings.landing.is_dir():
        raise NoDropFolder(settings.landing)
    return settings.landing


def prepare(settings: Settings, paths: Paths, report: Callable[[str], None]) -> None:
    """Make sure that there is something to read: the simulated world is written if missing, and new
    data of the live sources is fetched. `report` receives a sentence for each, and one for each
    file that is left out: its content is unknown, it is withdrawn, or another one outdoes it.
    """
    folder = landing_folder(settings, paths)
    world.claim_data_root(settings, paths)
    if settings.source == "simulated":
        simulator.write_world(folder, loans=settings.loans, seed=settings.seed)
    if settings.source == "live":
        live_fetching.fetch_new(settings, paths, report)
    landed_files(settings, paths)
    for sentence in [*left_out(paths), *withdrawn_files(paths), *returned_files(paths)]:
        report(f"left out: {sentence}")


def _recognition(paths: Paths) -> str:
    """Return the version of the code that recognises files: another one reads them again."""
    return code.code_version(code.read_modules(paths.data_root / "code.json"), [landing.__name__])


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

    A file of no known form is left out, and so is a file that staging has refused under its present
    rules. Raises PipelineError if all are.
    """
    known, recognition = _read_detected(paths), _recognition(paths)
    rows: dict[str, dict[str, Any]] = {}
    for path in candidates(settings, paths):
        stamp = f"{file_stamp(path)} {recognition}"
        row = known.get(str(path))
        # An unknown file is read again: settings may name its series or symbol now.
        is_known = row is not None and row["stamp"] == stamp and "landed" in row
        rows[str(path)] = row if row is not None and is_known else _detect(path, stamp)
    for path, sentence in _irregular(settings, paths).items():
        rows[str(path)] = {"stamp": "", "unknown": sentence}
    replace_json(paths.raw / DETECTED, rows)
    standing = refusals.standing(settings, paths, map(Path, rows))
    unknown = {path: row["unknown"] for path, row in rows.items() if "unknown" in row}
    left_out = unknown | standing
    if left_out and len(left_out) == len(rows):
        others = ", ".join(Path(path).name for path in list(left_out)[1:])
        also = f" Left out too: {others}." if others else ""
        raise PipelineError(next(iter(left_out.values())) + also)
    known_rows = [row["landed"] for row in rows.values() if "landed" in row]
    files = landing.join_parts([archive.landed_from_row(row) for row in known_rows])
    return sorted((file for file in files if str(file.path) not in standing), key=_written_at)


def _written_at(file: LandedFile) -> int:
    """Sort key: loan files that are dropped together arrive in the order of their writing."""
    return file.path.stat().st_mtime_ns if file.dataset == lending_club.DATASET else 0


def _irregular(settings: Settings, paths: Paths) -> dict[Path, str]:
    dropped = landing.irregular(settings.landing) if settings.landing else {}
    return landing.irregular(landing_folder(settings, paths)) | dropped


def _read_detected(paths: Paths) -> dict[str, dict[str, Any]]:
    return cached_json(paths.raw / DETECTED) or {}


def _detect(path: Path, stamp: str) -> dict[str, Any]:
    try:
        return {"stamp": stamp, "landed": archive.landed_to_row(landing.detect(path))}
    except PipelineError as error:
        return {"stamp": stamp, "unknown": str(error)}
    except OSError as error:
        return {"stamp": stamp, "unknown": f"{path} cannot be read: {error.strerror}."}


def left_out(paths: Paths) -> list[str]:
    """The reason of each unknown or refused file of the drop folder and each failed series."""
    rows = _read_detected(paths)
    refused = refusals.find_refused(paths, map(Path, rows)).values()
    unknown = [row["unknown"] for row in rows.values() if "unknown" in row]
    failed = cached_json(paths.raw / live_fetching.NOT_FETCHED_FILE) or []
    return failed + unknown + [str(file.refused) for file in refused]


def withdrawn_files(paths: Paths) -> list[str]:
    """A sentence for each withdrawn file."""
    gone = withdrawals.withdrawn(paths)
    return [
        f"{file.landed.path} is withdrawn; `financial-pipeline withdraw --restore"
        f" {file.sha256[:12]}` uses it again."
        for file in archive.read_raw_files(paths)
        if file.identity in gone
    ]


def returned_files(paths: Paths) -> list[str]:
    """A sentence for each file that has an earlier content of its path again.

    The archive has that content from its first arrival, so the later one still wins.
    """
    contents: dict[Path, list[RawFile]] = {}
    for file in archive.current_files(paths):
        contents.setdefault(file.landed.path, []).append(file)
    replaced = [path for path in contents if len(contents[path]) > 1 and path.is_file()]
    hashes = content_hashes(replaced, read_hashes(paths))
    sentences = []
    for path in replaced:
        earlier, newest = contents[path][:-1], contents[path][-1]
        if hashes[str(path)][1] in {file.sha256 for file in earlier} - {newest.sha256}:
            sentences.append(
                f"{path} has an earlier content again, and that of {newest.fetched_at:%Y-%m-%d}"
                f" still wins; `financial-pipeline withdraw {newest.sha256[:12]}` leaves it out."
            )
    return sentences


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
    stored = archive.archive(paths, landed)
    if dataset == "bank_prices":
        restatements.record(paths)
    return stored
