"""Provenance records: who fetched or generated a file, in `provenance.json` of its folder.

The program that writes a file into a landing folder records it. A dropped file has no record.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from financial_pipeline.files import locked, replace_json

RECORD_NAME: Final = "provenance.json"


@dataclass(frozen=True)
class Provenance:
    """Origin of one file: `provider` becomes the column `source` of its rows."""

    provider: str
    is_synthetic: bool
    fetched_at: datetime


def _read(folder: Path) -> dict[str, dict[str, object]]:
    record = folder / RECORD_NAME
    return json.loads(record.read_text("utf-8")) if record.exists() else {}


def record_files(
    folder: Path, hashes: Mapping[str, str], *, provider: str, is_synthetic: bool = False
) -> None:
    """Record the origin of files in `folder`; `hashes` maps file names to SHA-256."""
    provenance = Provenance(provider, is_synthetic, datetime.now(UTC))
    new = {name: {**asdict(provenance), "sha256": digest} for name, digest in hashes.items()}
    with locked(folder / ".provenance.lock"):
        replace_json(folder / RECORD_NAME, _read(folder) | new)


def recorded_origin(path: Path, sha256: str) -> Provenance | None:
    """Return the recorded origin of a file, or None if this content was not recorded."""
    row = _read(path.parent).get(path.name)
    if row is None or row["sha256"] != sha256:
        return None
    return Provenance(
        provider=str(row["provider"]),
        is_synthetic=bool(row["is_synthetic"]),
        fetched_at=datetime.fromisoformat(str(row["fetched_at"])),
    )
