"""The published manifest: which immutable folder of each table is current, and how it moves.

Writers put a new folder beside the old one and register it as pending once its checks passed;
`publish` moves the manifest once, by rename. Readers read the manifest once per page or job.
"""

import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import write_partition

KEPT_VERSIONS = 3
KEPT_SECONDS = 3600.0


@dataclass(frozen=True)
class PublishedTable:
    """One version of one table: `folder` is relative to the data root and holds its Parquet."""

    layer: str
    name: str
    folder: str
    rows: int
    content_hash: str
    # The newest event date in the table, ISO.
    as_of: str | None = None
    # What it was built from: upstream table or raw file -> content hash.
    built_from: dict[str, str] = field(default_factory=dict)
    # Results of the checks that let it pass, and other facts readers show.
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Layer and name, as in the asset key: `exports/fct_loans`."""
        return f"{self.layer}/{self.name}"

    @property
    def version(self) -> str:
        """The sortable version, the last part of the folder."""
        return Path(self.folder).name


@dataclass(frozen=True)
class Manifest:
    """What is published: a version, the world it shows, and the current table folders."""

    version: str
    published_at: str
    world: dict[str, object]
    tables: dict[str, PublishedTable]

    def table(self, key: str) -> PublishedTable:
        """The current version of `layer/name`; raises PipelineError where it was never built."""
        if key not in self.tables:
            raise PipelineError(
                f"The table {key} is not published; run the job that builds it, or `make demo`."
            )
        return self.tables[key]


def new_version() -> str:
    """A sortable version name from the clock, in UTC microseconds."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")


def read_manifest(paths: Paths) -> Manifest:
    """The published manifest; raises PipelineError where nothing was published yet."""
    try:
        content = json.loads(paths.manifest.read_text("utf-8"))
    except FileNotFoundError:
        raise PipelineError(
            f"Nothing is published under {paths.data_root} yet; run `make demo` or"
            " `financial-pipeline demo` first."
        ) from None
    tables = {key: PublishedTable(**row) for key, row in content.pop("tables").items()}
    return Manifest(tables=tables | tables_beside(paths), **content)


def _named(manifest: Path) -> dict[str, PublishedTable]:
    if not manifest.exists():
        return {}
    rows = json.loads(manifest.read_text("utf-8"))
    return {key: PublishedTable(**row) for key, row in rows.items()}


def operations_tables(paths: Paths) -> dict[str, PublishedTable]:
    """The current operations tables by key; none before the first run ended."""
    return _named(paths.operations_manifest)


def tables_beside(paths: Paths) -> dict[str, PublishedTable]:
    """The current operations and stream tables by key, which move beside the version."""
    return operations_tables(paths) | _named(paths.stream_manifest)


def _publish_beside(paths: Paths, manifest: Path, tables: Sequence[PublishedTable]) -> None:
    with locked(paths.data_root / ".publish.lock"):
        held = json.loads(manifest.read_text("utf-8")) if manifest.exists() else {}
        _write_json(manifest, held | {table.key: asdict(table) for table in tables})
        _prune(paths, tables)


def publish_operations(paths: Paths, table: PublishedTable) -> None:
    """Make an operations table current; the version of all other tables stays what it is."""
    _publish_beside(paths, paths.operations_manifest, [table])


def publish_stream(
    paths: Paths, tables: Sequence[PublishedTable], world: Mapping[str, object]
) -> None:
    """Make stream tables current, all in one rename; the version of other tables stays.

    A data root that has no version yet gets an empty one, so that readers find the stream.
    """
    with locked(paths.data_root / ".publish.lock"):
        if not paths.manifest.exists():
            _write_manifest(paths, world, {})
    _publish_beside(paths, paths.stream_manifest, tables)


def parquet_files(paths: Paths, table: PublishedTable) -> list[Path]:
    """The Parquet files of one table version, sorted."""
    return sorted((paths.data_root / table.folder).glob("*.parquet"))


def _pending_folder(paths: Paths) -> Path:
    return paths.data_root / "pending"


def _pending(paths: Paths) -> dict[str, PublishedTable]:
    rows = [json.loads(path.read_text("utf-8")) for path in _pending_folder(paths).glob("*.json")]
    return {table.key: table for table in (PublishedTable(**row) for row in rows)}


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as writer:
        json.dump(content, writer, indent=1, sort_keys=True, default=str)
        writer.flush()
        os.fsync(writer.fileno())
    os.replace(temporary, path)


def register(paths: Paths, table: PublishedTable) -> None:
    """Note a new folder whose blocking checks passed; the next `publish` makes it current."""
    _write_json(_pending_folder(paths) / f"{table.layer}.{table.name}.json", asdict(table))


def discard_pending(paths: Paths) -> None:
    """Forget what an earlier run registered and never published."""
    shutil.rmtree(_pending_folder(paths), ignore_errors=True)


def newest(paths: Paths, key: str) -> PublishedTable:
    """The registered version of a table, else the published one; for steps of the same run."""
    pending = _pending(paths)
    return pending[key] if key in pending else read_manifest(paths).table(key)


def known(paths: Paths) -> set[str]:
    """The keys of all tables that are registered or published."""
    return {*_pending(paths), *(read_manifest(paths).tables if paths.manifest.exists() else ())}


def publish(paths: Paths, world: Mapping[str, object]) -> Manifest:
    """Make every registered table current, in one rename; returns the new manifest."""
    with locked(paths.data_root / ".publish.lock"):
        current = read_manifest(paths).tables if paths.manifest.exists() else {}
        pending = _pending(paths)
        fresh = {
            key: table
            for key, table in pending.items()
            if key not in current or table.version >= current[key].version
        }
        beside = tables_beside(paths)
        current = {key: row for key, row in current.items() if key not in beside}
        manifest = _write_manifest(paths, world, {**current, **fresh})
        discard_pending(paths)
        _prune(paths, manifest.tables.values())
    return manifest


def _write_manifest(
    paths: Paths, world: Mapping[str, object], tables: dict[str, PublishedTable]
) -> Manifest:
    stamp = datetime.now(UTC).isoformat()
    manifest = Manifest(new_version(), stamp, dict(world), tables)
    _write_json(paths.manifest, asdict(manifest))
    return manifest


def _prune(paths: Paths, tables: Iterable[PublishedTable]) -> None:
    for table in tables:
        versions = sorted((paths.data_root / table.layer / table.name).iterdir(), reverse=True)
        for old in versions[KEPT_VERSIONS:]:
            is_young = time.time() - old.stat().st_mtime < KEPT_SECONDS
            if old.name != table.version and not is_young:
                shutil.rmtree(old)


def replace_partitions(
    paths: Paths, layer: str, name: str, partitions: Mapping[str, pl.DataFrame]
) -> Path:
    """Write a new version folder: the given partitions, and links to all others of the newest one.

    `partitions` maps partition keys to frames. Returns the folder; register it afterwards.
    """
    folder = paths.published_folder(layer, name, new_version())
    folder.mkdir(parents=True)
    try:
        previous = parquet_files(paths, newest(paths, f"{layer}/{name}"))
    except PipelineError:
        previous = []
    for path in previous:
        if path.stem not in partitions:
            os.link(path, folder / path.name)
    for key, frame in partitions.items():
        write_partition(frame, folder, key)
    return folder


def with_facts(table: PublishedTable, **facts: object) -> PublishedTable:
    """The same table version with more facts for readers."""
    return replace(table, facts={**table.facts, **facts})
