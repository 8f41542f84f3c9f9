"""A quick answer to whether anything changed, from sizes, times and hashes, without engines."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from financial_pipeline import world
from financial_pipeline.changes import code
from financial_pipeline.files import DISK, cached_json, replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import is_published, read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.settings import PACKAGE_ROOT, PROJECT_ROOT, Settings

# Files that the package and dbt read, other than Python modules.
SOURCES: Final = (
    (PACKAGE_ROOT, {".sql", ".json", ".csv", ".properties"}),
    (PROJECT_ROOT / "dbt_project", {".sql", ".yml", ".csv"}),
)
NO_SOURCE: Final = {"target", "logs", "dbt_packages", "__pycache__"}


def _file(paths: Paths) -> Path:
    return paths.data_root / "unchanged.json"


def _sources() -> list[Path]:
    return [
        path
        for folder, suffixes in SOURCES
        for path in folder.rglob("*")
        if path.suffix in suffixes and not NO_SOURCE & set(path.relative_to(folder).parts)
    ]


def fingerprint(
    settings: Settings, paths: Paths, files: Sequence[Path], options: Mapping[str, object]
) -> str:
    """Return the hash of all that a command starts from: settings, code, and files.

    Files, and the ledgers of the archive, count by size and time.
    """
    ledgers = [paths.raw / name for name in ("manifest.jsonl", "withdrawals.jsonl")]
    present = [path for path in ledgers if path.exists()]
    modules = code.read_modules(paths.data_root / "code.json")
    values = settings.model_dump(mode="json", exclude={"data_root"})
    stats = [(path, path.stat()) for path in sorted([*files, *present])]
    return code.hash_texts(
        [
            *(f"{p} {s.st_size} {s.st_mtime_ns} {s.st_ctime_ns} {s.st_ino}" for p, s in stats),
            *(f"{name} {module.digest}" for name, module in sorted(modules.items())),
            code.files_digest(_sources()),
            *code.engine_versions(),
            json.dumps(values, sort_keys=True, default=str),
            json.dumps(dict(options), sort_keys=True, default=str),
            world.today(settings).isoformat(),
        ]
    )


def has_record(paths: Paths) -> bool:
    """Return whether anything is recorded, so that a fingerprint is worth its work."""
    return _file(paths).exists()


def is_current(paths: Paths, now: str) -> bool:
    """Return whether the last publication started from the same, and is still whole."""
    known = cached_json(_file(paths))
    if known != {"fingerprint": now, "version": _version(paths)} or not is_published(paths):
        return False
    tables = read_manifest(paths).tables.values()
    return paths.warehouse_file.exists() and all(parquet_files(paths, each) for each in tables)


def _version(paths: Paths) -> str:
    return read_manifest(paths).version if is_published(paths) else ""


def forget(paths: Paths) -> None:
    """Remove the record, before anything is built."""
    DISK.unlink(_file(paths))


def remember(paths: Paths, now: str) -> None:
    """Record the state that the current version started from."""
    replace_json(_file(paths), {"fingerprint": now, "version": _version(paths)})
