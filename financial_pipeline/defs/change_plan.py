"""The assets of a planned run whose inputs changed, and the partitions to build.

An asset is built if its code, a setting that it reads, its partitions or the content of an input
differ from what its current table was built from. A rebuilt input with equal content changes
nothing after it.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import dagster as dg
import polars as pl

from financial_pipeline.changes import state
from financial_pipeline.changes.code import hash_texts
from financial_pipeline.changes.state import Built
from financial_pipeline.defs.code_versions import Versions
from financial_pipeline.defs.home import Loaded
from financial_pipeline.defs.jobs import PUBLICATION
from financial_pipeline.defs.narrowing import (
    CHANGED,
    OTHER_PARTITIONS,
    Files,
    Narrowing,
    Reasons,
    hash_of,
    partitions_of,
)
from financial_pipeline.defs.partition_inputs import FOLLOWS
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.publishing.content_hash import partition_hashes
from financial_pipeline.publishing.manifest import is_published, read_manifest
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.settings import Settings

PUBLISHED: Final = ("exports", "metrics", "ml", "stream")
# Built in every run that builds anything: they follow ledgers of their own.
OWN_LEDGER: Final = ("stream", "topics", "landing")
ABSENT: Final = "absent"
LOST: Final = "its files were lost or changed since it was built"


def name_of(key: dg.AssetKey) -> str:
    """Return `layer/name`."""
    return "/".join(key.path)


def _is_as_staged(folder: Path, entry: Built) -> bool:
    """Return whether a staging folder has the noted partitions; one that is newer is hashed."""
    times = {path.stem: path.stat().st_mtime for path in folder.glob("[!.]*.parquet")}
    newer = {stem for stem, changed_at in times.items() if changed_at > entry.noted_at}
    if times.keys() != entry.files.keys():
        return False
    try:
        return partition_hashes(folder, newer).items() <= entry.files.items()
    except (OSError, pl.exceptions.PolarsError):
        # It is no longer a Parquet file.
        return False


@dataclass(frozen=True)
class Work:
    """The part of a run that is to be executed, and the reason for each asset."""

    run: FamilyRun
    keys: Sequence[dg.AssetKey]
    reasons: Reasons


class Changes:
    """Compares the inputs of the current tables with the present inputs."""

    def __init__(
        self,
        publication: Publication,
        settings: Settings,
        defs: Loaded,
        raw: Mapping[str, str],
        landed: Sequence[LandedFile] = (),
        *,
        rebuild: bool,
    ) -> None:
        """Read the state; `raw` has the digest of the raw files of each dataset by name.

        `landed` are the files of the drop folder, which may not be archived yet.
        """
        self._publication, self._raw = publication, raw
        self._graph = defs.resolve_asset_graph()
        self._versions = Versions(settings)
        # The newest tables: published ones, and those that this command registered since.
        self._tables = (
            read_manifest(publication.paths).tables if is_published(publication.paths) else {}
        )
        recorded = {} if rebuild else state.read(publication.paths)
        self._before = self._valid(recorded)
        self._lost = recorded.keys() - self._before.keys()
        self._built: dict[str, Built] = {}
        files = Files(publication.paths, settings, landed)
        self._narrowing = Narrowing(files, self._graph, self._before, self._built)

    def _valid(self, entries: Mapping[str, Built]) -> dict[str, Built]:
        """Return the entries whose content is still there as it was written."""
        return {key: entry for key, entry in entries.items() if self._is_there(key, entry)}

    def _is_there(self, key: str, entry: Built) -> bool:
        paths, layer = self._publication.paths, key.partition("/")[0]
        if layer == "staging":
            return _is_as_staged(paths.data_root / key, entry)
        if layer == "warehouse":
            return paths.warehouse_file.exists()
        if layer not in PUBLISHED:
            return True
        table = self._tables.get(key)
        is_current = table is not None and table.content_hash == entry.wrote
        return table is not None and is_current and bool(parquet_files(paths, table))

    def _content(self, key: str) -> str:
        """Return the content hash of an input; `absent` if it was never built."""
        layer, _, name = key.partition("/")
        if layer == "raw":
            return self._raw.get(name, ABSENT)
        if layer in PUBLISHED:
            table = self._tables.get(key)
            return table.content_hash if table else ABSENT
        entry = self._built.get(key) or self._before.get(key)
        if entry is None:
            return ABSENT
        return entry.wrote or hash_texts(
            [entry.code, entry.settings, str(sorted(entry.reads.items()))]
        )

    def _expected_entry(self, key: dg.AssetKey, run: FamilyRun) -> Built:
        name = name_of(key)
        layer = name.split("/")[0]
        inputs = [name] if layer == "raw" else self._parents(key)
        return Built(
            code=self._versions.code(name),
            settings=self._versions.settings(name),
            span=(run.first, run.last) if run.first and run.last else None,
            reads={each: self._content(each) for each in inputs},
        )

    def _parents(self, key: dg.AssetKey) -> list[str]:
        names = [name_of(parent) for parent in self._graph.get(key).parent_keys]
        return sorted(name for name in names if name.split("/")[0] not in OWN_LEDGER)

    def _reason(self, key: dg.AssetKey, run: FamilyRun, rebuilt: Collection[str]) -> str | None:
        before, now = self._before.get(name_of(key)), self._expected_entry(key, run)
        if before is None:
            return LOST if name_of(key) in self._lost else "not built yet"
        if before.code != now.code:
            return "its code changed"
        if before.settings != now.settings:
            return "a setting changed"
        changed = [name for name in now.reads if now.reads[name] != before.reads.get(name)]
        changed += [name for name in self._parents(key) if name in rebuilt and name not in changed]
        if changed:
            return CHANGED + ", ".join(changed)
        return None if before.span == now.span else OTHER_PARTITIONS

    def reasons(
        self, run: FamilyRun, keys: Collection[dg.AssetKey], rebuilt: Collection[str] = ()
    ) -> Reasons:
        """Return why assets of a run are built, inputs first; one that is up to date is absent.

        `rebuilt` names assets of earlier runs that are about to be built.
        """
        found: Reasons = {}
        for key in self._graph.toposorted_asset_keys:
            if key in keys and (reason := self._reason(key, run, {*rebuilt, *found})):
                found[name_of(key)] = reason
        return found

    def work(self, run: FamilyRun, keys: Collection[dg.AssetKey]) -> Work | None:
        """Return the part of a run that has to be executed, or None if everything is up to date.

        Raw, staging and later assets of a run are asked for separately, in this order.
        """
        reasons = self.reasons(run, keys)
        if not reasons:
            return None
        chosen = [key for key in keys if name_of(key) in reasons]
        return Work(self._narrowing.run(run, reasons), chosen, reasons)

    def narrow(self, run: FamilyRun, reasons: Reasons) -> FamilyRun:
        """Return the run over the partitions that changed, where only their rows can differ."""
        return self._narrowing.run(run, reasons)

    def foreseen(self, run: FamilyRun, reasons: Reasons) -> set[str]:
        """Return which of the assets to build have contents that are not known before.

        If the contents of a staging table can be computed without writing it, they are noted
        instead.
        """
        unknown = {name for name in reasons if not name.startswith("raw/")}
        rule = FOLLOWS.get(run.job)
        before = self._before.get(rule.dataset) if rule and rule.dataset in reasons else None
        files = self._narrowing.staged(run, before) if before else None
        if rule is None or files is None:
            return unknown
        entry = self._expected_entry(dg.AssetKey(rule.dataset.split("/")), run)
        self._built[rule.dataset] = replace(entry, files=files, wrote=hash_of(files))
        return unknown - {rule.dataset}

    def lost_ledgers(self) -> Reasons:
        """Return the tables of each publication, if their files were lost or changed."""
        found = map(self._tables.get, map(name_of, PUBLICATION))
        paths = self._publication.paths
        return {table.key: LOST for table in found if table and not parquet_files(paths, table)}

    def forget(self, keys: Collection[dg.AssetKey]) -> None:
        """Remove the entries of assets from the disk, before they are built."""
        state.forget(self._publication.paths, {name_of(key) for key in keys})

    def note(self, planned: FamilyRun, work: Work) -> None:
        """Note the inputs of built assets; `planned` has the partitions before any narrowing."""
        self._tables |= self._publication.registered()
        for key in (key for key in self._graph.toposorted_asset_keys if key in work.keys):
            name, entry = name_of(key), self._expected_entry(key, planned)
            layer = name.split("/")[0]
            if layer == "staging":
                files = self._files(name, planned, work.run)
                entry = replace(entry, files=files, wrote=hash_of(files), noted_at=time.time())
            elif layer in PUBLISHED:
                entry = replace(entry, wrote=self._content(name))
            self._built[name] = entry

    def _files(self, name: str, planned: FamilyRun, run: FamilyRun) -> dict[str, str]:
        """Return the hashes of a staging folder; only those of executed partitions are new."""
        folder, before = self._publication.paths.data_root / name, self._before.get(name)
        if before is None or run == planned:
            return partition_hashes(folder)
        return before.files | partition_hashes(folder, partitions_of(run))

    def remember(self) -> None:
        """Write the entries of everything that was built; call it after the publication."""
        state.remember(self._publication.paths, self._built)
