"""Publications: the tables that runs registered, which become current together or not at all.

A run registers a new folder when the blocking checks of its table passed. Registrations belong to
their publication (`pending/<publication>/`): steps of the same publication read them, nobody else
does before they are published.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import DISK, replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import (
    BATCH,
    Manifest,
    PublishedTable,
    channel_tables,
    is_published,
    publish_tables,
    read_manifest,
    table_of_record,
)
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline.publishing.versions import (
    KEEP_30,
    Retention,
    is_overtaken,
    overtaken,
)


@dataclass(frozen=True)
class Publication:
    """The tables that one run, or the runs of one command, registered; `run` is its name."""

    paths: Paths
    run: str

    @property
    def folder(self) -> Path:
        """The folder of the registrations."""
        return self.paths.data_root / "pending" / self.run

    def registered(self) -> dict[str, PublishedTable]:
        """Return the registered tables by key."""
        rows = [json.loads(path.read_text("utf-8")) for path in self.folder.glob("[!.]*.json")]
        return {table.key: table for table in map(table_of_record, rows)}

    def register(self, table: PublishedTable) -> None:
        """Note a new version whose blocking checks passed; it replaces an earlier registration.

        A version that continues the earlier registration keeps its base, which is published.
        """
        earlier = self.registered().get(table.key)
        if earlier and table.base == earlier.folder:
            table = replace(table, base=earlier.base)
        replace_json(self.folder / f"{table.layer}.{table.name}.json", asdict(table))

    def newest(self, key: str) -> PublishedTable:
        """Return the registered version of a table, else the published one."""
        registered = self.registered()
        return registered[key] if key in registered else read_manifest(self.paths).table(key)

    def newest_if_any(self, key: str) -> PublishedTable | None:
        """Return the newest version of a table, or None if it was never built."""
        try:
            return self.newest(key)
        except PipelineError:
            return None

    def known(self) -> set[str]:
        """Return the keys of all tables that are registered here or published."""
        is_new = not is_published(self.paths)
        return {*self.registered(), *(() if is_new else read_manifest(self.paths).tables)}

    def files(self, key: str) -> list[Path]:
        """Return the Parquet files of the newest version of a table.

        Raises PipelineError if one of them is lost or was changed.
        """
        return whole_files(self.paths, self.newest(key))

    def scan(self, key: str) -> pl.LazyFrame:
        """Scan the newest version of a table."""
        return pl.scan_parquet(self.files(key))

    def content_hashes(self, *keys: str) -> dict[str, str]:
        """Return the content hashes of upstream tables by key."""
        return {key: self.newest(key).content_hash for key in keys}

    def discard(self) -> None:
        """Forget all registrations; published tables stay."""
        DISK.remove(self.folder)


def pending(paths: Paths) -> list[str]:
    """Return the names of the publications that registered tables, sorted."""
    return sorted(path.name for path in (paths.data_root / "pending").glob("*") if path.is_dir())


def publish(
    paths: Paths,
    runs: Iterable[str],
    world: Mapping[str, object],
    retention: Retention = KEEP_30,
) -> Manifest:
    """Make the tables of these finished publications current, in one rename.

    Registrations of all other publications stay as they are. Of two versions of a table, the newer
    one becomes current. A publication that replaced partitions of a version which is no longer
    current is dropped, whole: all others become current, and then PipelineError names its tables.
    """
    chosen = [Publication(paths, run) for run in runs]
    others = [Publication(paths, run) for run in pending(paths)]
    kept = {table.folder for each in others for table in each.registered().values()}
    newest, lost = _joined(paths, chosen)
    manifest = publish_tables(paths, BATCH, list(newest.values()), world, kept, retention)
    for each in chosen:
        each.discard()
    if lost:
        raise overtaken(lost)
    return manifest


def _joined(
    paths: Paths, chosen: Iterable[Publication]
) -> tuple[dict[str, PublishedTable], set[str]]:
    """Return the tables of all publications that fit, oldest first, and the overtaken keys."""
    current = {key: table.folder for key, table in channel_tables(paths, BATCH).items()}
    newest: dict[str, PublishedTable] = {}
    lost: set[str] = set()
    groups = [each.registered().values() for each in chosen]
    for tables in sorted(
        groups, key=lambda group: max((each.version for each in group), default="")
    ):
        found = {table.key for table in tables if is_overtaken(table.base, current.get(table.key))}
        lost |= found
        for table in () if found else tables:
            known = newest.get(table.key)
            if known is None or known.version < table.version:
                newest[table.key] = table
                current[table.key] = table.folder
    return newest, lost
