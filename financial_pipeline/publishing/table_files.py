"""The Parquet files of a table version: one that was lost or changed later is never read."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import sha256, sync
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable

KEPT_HASHES: Final = 10_000


def sync_files(folder: Path) -> dict[str, str]:
    """Bring a new folder to the disk; return the SHA-256 of each file, in hexadecimal, by name."""
    files = sorted(folder.iterdir())
    for path in [*files, folder, folder.parent]:
        sync(path)
    return {path.name: sha256(path) for path in files}


def parquet_files(paths: Paths, table: PublishedTable) -> list[Path]:
    """Return the Parquet files of a table version, sorted; none if one is lost or was changed.

    A file whose time is not after that of its version is not hashed. In a copied data root files
    are newer: each process then hashes those it reads, once. Bits that changed without a new time
    are found by the check `files_are_as_written`.
    """
    found = sorted((paths.data_root / table.folder).glob("[!.]*.parquet"))
    if not table.files or not table.built_at:
        return found
    end = datetime.fromisoformat(table.built_at).timestamp()
    is_whole = {path.name for path in found} == table.files.keys()
    return found if is_whole and all(_has(p, table.files[p.name], end) for p in found) else []


def whole_files(paths: Paths, table: PublishedTable) -> list[Path]:
    """Return the Parquet files of a table version; raise PipelineError if one cannot be read."""
    files = parquet_files(paths, table)
    if not files:
        raise PipelineError(describe_damage(table))
    return files


def describe_damage(table: PublishedTable) -> str:
    """Return the sentence for a table whose files cannot be read."""
    return (
        f"The files of {table.key} in {table.folder} are missing or damaged; run the job that"
        " builds the table, or `financial-pipeline demo`."
    )


def _has(path: Path, expected: str, end: float) -> bool:
    try:
        known = path.stat()
        return known.st_mtime <= end or expected == _hash(path, known.st_mtime_ns, known.st_size)
    except FileNotFoundError:
        # Pruned since it was listed.
        return False


@lru_cache(KEPT_HASHES)
def _hash(path: Path, _changed_ns: int, _size: int) -> str:
    return sha256(path)
