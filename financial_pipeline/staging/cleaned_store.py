"""Cleaned price and macro files, kept by content: a file that did not change is cleaned once.

The archive keeps every daily download, and each of them counts, so a run without this store would
parse years of files for one new day. The store is private: `staging/.typed/<dataset>/`.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from financial_pipeline.files import cached_json
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.staging import typed_store
from financial_pipeline.staging.accounting import account, is_accounted
from financial_pipeline.transforms.verdicts import Cleaned

RECORD: Final = "cleaned.json"
# Exists once the quarantine and the accounting of the file were written from this entry.
ACCOUNTED: Final = "accounted"


@dataclass(frozen=True)
class CleanedFile:
    """A cleaned file with the notes of its reader too, and its number of lines.

    `newest` is the latest date among its lines, sound or not; null without a readable one.
    """

    cleaned: Cleaned
    physical_lines: int
    newest: date | None
    # Prices without a raw close.
    adjusted_only: bool = False


def cleaned_file(
    paths: Paths,
    file: RawFile,
    horizon: date,
    depends: Collection[object],
    clean: Callable[[], CleanedFile],
) -> CleanedFile:
    """Return the stored form of a file, or clean and store it if file, code or settings changed.

    `horizon` is the last day that can have happened, after which `clean` refuses dates, and
    `depends` are the settings that it reads. Raises the errors of `clean`, and PipelineError if the
    archived bytes are no longer those of the hash; nothing is stored then.
    """
    place = _place(paths, file)
    version = " ".join(map(str, (typed_store.code_version(), file.landed.subject, *depends)))
    with typed_store.store_lock(paths, file.landed.dataset):
        if (stored := _stored(place, version, horizon)) is None:
            stored = clean()
            archive.verify([file])
            with typed_store.new_entry(place) as work:
                _write(work, stored, version, horizon)
        return stored


def _stored(place: Path, version: str, horizon: date) -> CleanedFile | None:
    """Return the stored file, or None if it is missing, damaged or of other inputs."""
    known = cached_json(place / RECORD)
    if not known or not _is_current(known, version, horizon):
        return None
    try:
        return _read(place, known)
    except (OSError, pl.exceptions.PolarsError):
        return None


def _place(paths: Paths, file: RawFile) -> Path:
    # Equal bytes are two files under two names or vintages.
    digest = hashlib.sha256(file.identity.encode()).hexdigest()
    return typed_store.store_folder(paths, file.landed.dataset) / f"{file.sha256}-{digest[:8]}"


def _is_current(known: dict[str, Any], version: str, horizon: date) -> bool:
    """Whether cleaning would give the same today; a date may no longer be in the future.

    Code is part of the version, so an entry of another form is never current.
    """
    if known.get("version") != version:
        return False
    before, newest = date.fromisoformat(known["horizon"]), known["newest"]
    return before == horizon or (
        newest is None or date.fromisoformat(newest) <= min(before, horizon)
    )


def _write(folder: Path, found: CleanedFile, version: str, horizon: date) -> None:
    found.cleaned.rows.write_parquet(folder / "rows.parquet")
    found.cleaned.quarantined.write_parquet(folder / "quarantined.parquet")
    record = {
        "version": version,
        "horizon": horizon.isoformat(),
        "newest": found.newest.isoformat() if found.newest else None,
        "notes": found.cleaned.notes,
        "staged_lines": found.cleaned.staged_lines,
        "physical_lines": found.physical_lines,
        "adjusted_only": found.adjusted_only,
    }
    (folder / RECORD).write_text(json.dumps(record), "utf-8")


def _read(folder: Path, known: dict[str, Any]) -> CleanedFile:
    cleaned = Cleaned(
        rows=pl.read_parquet(folder / "rows.parquet"),
        quarantined=pl.read_parquet(folder / "quarantined.parquet"),
        notes=known["notes"],
        staged_lines=known["staged_lines"],
    )
    newest = known["newest"]
    return CleanedFile(
        cleaned=cleaned,
        physical_lines=known["physical_lines"],
        newest=date.fromisoformat(newest) if newest else None,
        adjusted_only=known["adjusted_only"],
    )


def account_once(paths: Paths, file: RawFile, found: CleanedFile) -> None:
    """Write quarantine and accounting of a file, unless they were written from this entry."""
    with typed_store.store_lock(paths, file.landed.dataset):
        place = _place(paths, file)
        if (place / ACCOUNTED).exists() and is_accounted(paths, file):
            return
        account(
            paths,
            file,
            found.cleaned.quarantined,
            staged=found.cleaned.staged_lines,
            notes=found.cleaned.notes,
            file_physical_lines=found.physical_lines,
        )
        if place.exists():
            (place / ACCOUNTED).touch()


def forget_others(paths: Paths, dataset: str, files: Collection[RawFile]) -> None:
    """Remove the stored form of all other files of a dataset."""
    typed_store.forget_others(paths, dataset, {_place(paths, file).name for file in files})
