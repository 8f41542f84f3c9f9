"""The immutable raw archive: every input once, untouched, under its content hash, with a manifest.

Nothing in the archive is ever overwritten; only the manifest row of a file can gain or lose the
reason for which staging refused it.
"""

import hashlib
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import (
    DISK,
    locked,
    recorded_lines,
    replace_file,
    replacing,
    sha256,
)
from financial_pipeline.paths import Paths
from financial_pipeline.raw import withdrawals
from financial_pipeline.schemas.raw import LandedFile, RawFile
from financial_pipeline.sources.provenance import Provenance, recorded_origin
from financial_pipeline.sources.simulated import PROVIDER, is_simulated


def _manifest(paths: Paths) -> Path:
    return paths.raw / "manifest.jsonl"


def landed_to_row(landed: LandedFile) -> dict[str, object]:
    """Return a detected file as a JSON row."""
    return {
        name: str(value) if isinstance(value, date | Path) else value
        for name, value in asdict(landed).items()
    }


def landed_from_row(row: dict[str, Any]) -> LandedFile:
    """The inverse of `landed_to_row`."""
    dates = {
        name: date.fromisoformat(row[name]) if row[name] else None
        for name in ("snapshot_date", "first_date", "last_date")
    }
    remarks = tuple(row.get("remarks", ()))
    return LandedFile(**(row | {**dates, "path": Path(row["path"]), "remarks": remarks}))


def _from_row(paths: Paths, row: dict[str, Any]) -> RawFile:
    fields = {
        **row,
        "landed": landed_from_row(row["landed"]),
        "fetched_at": datetime.fromisoformat(row["fetched_at"]),
        "archived_path": paths.data_root / row["archived_path"],
    }
    return RawFile(**fields)


def _to_row(paths: Paths, file: RawFile) -> str:
    row = {
        **asdict(file),
        "landed": landed_to_row(file.landed),
        "archived_path": file.archived_path.relative_to(paths.data_root).as_posix(),
    }
    return json.dumps(row, default=str, sort_keys=True)


def read_raw_files(paths: Paths, dataset: str | None = None) -> list[RawFile]:
    """Every archived file in order of arrival, refused ones included."""
    files = recorded_lines(_manifest(paths), withdrawals.DAMAGED, lambda row: _from_row(paths, row))
    return [file for file in files if dataset in (None, file.landed.dataset)]


def accepted_files(paths: Paths, dataset: str) -> list[RawFile]:
    """The archived files of a dataset that staging has not refused, withdrawn ones included."""
    return [file for file in read_raw_files(paths, dataset) if file.refused is None]


def current_files(paths: Paths, dataset: str | None = None) -> list[RawFile]:
    """The archived files that tables are made of: neither refused nor withdrawn."""
    gone = withdrawals.withdrawn(paths)
    files = read_raw_files(paths, dataset)
    return [file for file in files if file.refused is None and file.identity not in gone]


def dataset_of(paths: Paths, sha256: str) -> str:
    """The dataset of an archived file."""
    return next(file.landed.dataset for file in read_raw_files(paths) if file.sha256 == sha256)


def verify(files: Sequence[RawFile]) -> None:
    """Raise PipelineError if the bytes of an archived file are no longer those of its hash."""
    for file in files:
        try:
            is_whole = sha256(file.archived_path) == file.sha256
        except FileNotFoundError:
            is_whole = False
        if not is_whole:
            raise PipelineError(
                f"The archived file {file.archived_path} is missing or was changed after it was"
                f" archived; drop {file.landed.path.name} again and run `financial-pipeline"
                " ingest`, which replaces it."
            )


def digest(files: Sequence[RawFile]) -> str:
    """One hash for a set of raw files: the inputs of a table, short enough to repeat."""
    return hashlib.sha256("".join(sorted(file.sha256 for file in files)).encode()).hexdigest()


def _write_manifest(paths: Paths, files: Sequence[RawFile]) -> None:
    replace_file(_manifest(paths), "".join(_to_row(paths, file) + "\n" for file in files))


def _store(paths: Paths, landed: LandedFile, arrived: datetime) -> RawFile:
    folder = paths.raw / landed.dataset
    folder.mkdir(parents=True, exist_ok=True)
    incoming = folder / f".{os.getpid()}.incoming"
    DISK.copy(landed.path, incoming)
    content_hash, size = sha256(incoming), incoming.stat().st_size
    place = folder / content_hash
    target = next(place.glob("[!.]*"), place / landed.path.name)
    # An archived file that was changed since is replaced by the same file, dropped again.
    if target.exists() and sha256(target) == content_hash:
        DISK.unlink(incoming)
    else:
        with replacing(target) as temporary:
            DISK.rename(incoming, temporary)
        target.chmod(0o444)
    return _describe(landed, target, content_hash, size, arrived)


def _describe(
    landed: LandedFile, content: Path, content_hash: str, size: int, arrived: datetime
) -> RawFile:
    """Return the row of a file whose bytes are at `content`."""
    is_made = is_simulated(content, content_hash)
    provider = PROVIDER if is_made else landed.provider
    dropped = Provenance(provider, is_synthetic=is_made, fetched_at=arrived)
    provenance = recorded_origin(landed.path, content_hash) or dropped
    return RawFile(
        landed=landed,
        sha256=content_hash,
        bytes=size,
        fetched_at=provenance.fetched_at,
        source=provenance.provider,
        is_synthetic=is_made or provenance.is_synthetic,
        archived_path=content,
    )


def prospective_files(paths: Paths, dataset: str, landed: Sequence[LandedFile]) -> list[RawFile]:
    """Return the files that staging would read once these are archived; nothing is written.

    A new file is read where it landed. Refused files are among them: staging tries them again, and
    another file may have made them acceptable.
    """
    arrived, gone = datetime.now(UTC), withdrawals.withdrawn(paths)
    files = {file.identity: file for file in read_raw_files(paths, dataset)}
    for item in (item for item in landed if item.dataset == dataset):
        size = item.path.stat().st_size
        coming = _describe(item, item.path, sha256(item.path), size, arrived)
        files.setdefault(coming.identity, coming)
    return [file for file in files.values() if file.identity not in gone]


def archive(paths: Paths, landed: Sequence[LandedFile]) -> tuple[list[RawFile], int]:
    """Archive files that are not there yet; return the rows of all of them and the number new.

    Provenance comes from the record next to each file; a file without one was dropped now, and its
    provider is that of its form. A file that the simulator wrote is synthetic in any case. A
    refused file that is dropped again counts again.
    """
    paths.raw.mkdir(parents=True, exist_ok=True)
    with locked(paths.raw / ".lock"):
        _remove_leftovers(paths, {item.dataset for item in landed})
        files = {file.identity: file for file in read_raw_files(paths)}
        # Files that are dropped together arrive together.
        known, stored, arrived = len(files), [], datetime.now(UTC)
        for item in landed:
            incoming = _store(paths, item, arrived)
            file = files.setdefault(incoming.identity, incoming)
            files[file.identity] = replace(file, refused=None, refused_under="")
            stored.append(files[file.identity])
        _write_manifest(paths, list(files.values()))
    return stored, len(files) - known


def refuse(paths: Paths, sha256: str, reason: str | None, rules: str = "") -> None:
    """Note why a file was refused and under which rules; without a reason, it counts again."""
    with locked(paths.raw / ".lock"):
        _write_manifest(
            paths,
            [
                replace(file, refused=reason, refused_under=rules)
                if file.sha256 == sha256
                else file
                for file in read_raw_files(paths)
            ],
        )


def _remove_leftovers(paths: Paths, datasets: Collection[str]) -> None:
    """Remove half-copied files of a killed run."""
    for folder in [paths.raw / name for name in datasets]:
        for leftover in [*folder.glob(".*.incoming"), *folder.glob("*/.*.tmp")]:
            DISK.unlink(leftover)
        for place in folder.glob("*/"):
            if not any(place.iterdir()):
                place.rmdir()
