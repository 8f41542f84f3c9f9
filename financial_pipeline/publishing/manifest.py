"""The published manifest: the current immutable folder of each table, in independent channels.

The file `published.json` has the channels batch, stream and operations. Each has its own sequence
number, time and tables, and moves alone, by one rename under one lock. Order comes from numbers
that are assigned under that lock, never from a clock. Readers read the file once per page or job.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked, read_record, replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import object_storage, pulling, versions
from financial_pipeline.publishing.versions import KEEP_30, Retention, is_overtaken

Channel = Literal["batch", "stream", "operations"]
BATCH: Final = "batch"
REBUILD: Final = "remove it and run `financial-pipeline transform --rebuild`"
NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
FOLDER: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class PublishedTable:
    """One version of one table: `folder` is relative to the data root and contains its Parquet."""

    layer: str
    name: str
    folder: str
    rows: int
    content_hash: str
    # The newest event date in the table, ISO.
    as_of: str | None = None
    # The inputs: upstream table or raw file -> content hash.
    built_from: dict[str, str] = field(default_factory=dict)
    # Results of blocking checks, and other facts that readers show.
    facts: dict[str, object] = field(default_factory=dict)
    # Partition key -> content hash of its rows.
    partitions: dict[str, str] = field(default_factory=dict)
    # When the version was written, UTC: a newer file is hashed. It decides nothing else.
    built_at: str | None = None
    # The folder of the version in which partitions were replaced, empty if there was none; None if
    # the whole table was written.
    base: str | None = None
    # Its Parquet files: name -> SHA-256.
    files: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Layer and name, as in the asset key: `exports/fct_loans`."""
        return f"{self.layer}/{self.name}"

    @property
    def version(self) -> str:
        """The name of the version, the last part of the folder."""
        return Path(self.folder).name


@dataclass(frozen=True)
class Manifest:
    """The version and world of the batch channel, and the current tables of all channels."""

    version: str
    published_at: str
    world: dict[str, object]
    tables: dict[str, PublishedTable]

    def table(self, key: str) -> PublishedTable:
        """Return the current version of `layer/name`; raise PipelineError if there is none."""
        if key not in self.tables:
            raise PipelineError(
                f"The table {key} is not published; run the job that builds it, or"
                " `financial-pipeline demo`."
            )
        return self.tables[key]


def _channels(paths: Paths) -> dict[str, dict[str, Any]]:
    try:
        return read_record(paths.manifest, REBUILD, parsed_channels)
    except FileNotFoundError:
        return {}


def parsed_channels(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the channels of a manifest by name; raise one of `files.DAMAGE` if one is wrong."""
    if "tables" in content:
        # A manifest of an earlier release had no channels, and its versions came from a clock.
        content = {BATCH: content | {"sequence": 0}}
    return {name: parse_channel(channel) for name, channel in content.items()}


def parse_channel(channel: dict[str, Any]) -> dict[str, Any]:
    """Return a channel; raise ValueError, TypeError or KeyError if its form is wrong."""
    for name, kind in (("sequence", int), ("published_at", str), ("world", dict)):
        if not isinstance(channel[name], kind):
            raise ValueError(f"{name} is {str(channel[name])[:80]!r}")
    for key, row in channel["tables"].items():
        _check_table(key, table_of_record(row))
    return channel


def table_of_record(row: Mapping[str, Any]) -> PublishedTable:
    """Return the table of a record; an earlier release counted its files, or noted nothing."""
    is_older = isinstance(row.get("files"), int | None)
    return PublishedTable(**(dict(row) | {"files": {}} if is_older else row))


def _check_table(key: str, table: PublishedTable) -> None:
    """Raise ValueError unless the table is in its own folder: names are pasted into SQL."""
    place = Path(table.folder)
    is_named = NAME.fullmatch(table.name) and table.layer in versions.LAYERS and table.key == key
    if not is_named or place.parent.as_posix() != key or not FOLDER.fullmatch(place.name):
        raise ValueError(f"the table {key[:80]!r} has another name or folder")
    dicts = (table.built_from, table.facts, table.partitions, table.files)
    kinds = (int, str, dict, dict, dict, dict)
    if not all(map(isinstance, (table.rows, table.content_hash, *dicts), kinds)):
        raise ValueError(f"a field of the table {key[:80]!r} is of another kind")
    if table.built_at is not None:
        datetime.fromisoformat(table.built_at)


def is_published(paths: Paths) -> bool:
    """Return whether any channel has moved at least once."""
    return paths.manifest.exists()


def channel_tables(paths: Paths, channel: Channel) -> dict[str, PublishedTable]:
    """Return the current tables of one channel by key; none before its first publication."""
    return _tables(_channels(paths).get(channel, {"tables": {}}))


def _tables(channel: Mapping[str, Any]) -> dict[str, PublishedTable]:
    return {key: table_of_record(row) for key, row in channel["tables"].items()}


def read_version(paths: Paths, version: str | None = None) -> Manifest:
    """Return the manifest of a kept version of the batch channel; without `version`, the current.

    Raises PipelineError with the versions that exist if this one is unknown or pruned.
    """
    if version is None:
        return read_manifest(paths)
    name = version.zfill(versions.DIGITS)
    is_number = name.isascii() and name.isdecimal()
    channel = versions.read(paths, name, parse_channel) if is_number else None
    if channel is None:
        known = ", ".join(versions.names(paths)) or "none"
        raise PipelineError(f"Version {version} is unknown or pruned; kept versions: {known}.")
    pulling.complete(paths, channel["tables"])
    return Manifest(name, channel["published_at"], channel["world"], _tables(channel))


def read_manifest(paths: Paths) -> Manifest:
    """Read the published manifest; raise PipelineError if nothing was published yet."""
    channels = _channels(paths)
    if not channels:
        raise PipelineError(
            f"Nothing is published under {paths.data_root} yet; run `financial-pipeline demo`"
            " first."
        )
    # Before the first batch, readers see the world and the time of the stream.
    leading = channels.get(BATCH) or max(channels.values(), key=lambda each: each["sequence"])
    return Manifest(
        version=f"{leading['sequence'] if BATCH in channels else 0:0{versions.DIGITS}}",
        published_at=leading["published_at"],
        world=next((c["world"] for c in (leading, *channels.values()) if c["world"]), {}),
        tables=dict(pair for each in channels.values() for pair in _tables(each).items()),
    )


def new_folder(paths: Paths, layer: str, name: str) -> Path:
    """Make the empty folder of a new version, whose number is above all earlier ones.

    The random part of the name keeps apart the folders of a data root that was deleted and built
    again, because readers cache by folder.
    """
    with locked(versions.publication_lock(paths)):
        number = versions.next_number(paths, _channels(paths))
        version = f"{number:0{versions.DIGITS}}-{secrets.token_hex(3)}"
        folder = paths.published_folder(layer, name, version)
        folder.mkdir(parents=True)
    return folder


def publish_tables(
    paths: Paths,
    channel: Channel,
    tables: Sequence[PublishedTable],
    world: Mapping[str, object],
    kept: Iterable[str] = (),
    retention: Retention = KEEP_30,
) -> Manifest:
    """Make these tables current in their channel, all in one rename; other channels stay.

    A table is skipped if a newer version of it is current. `kept` are folders that pruning leaves
    alone besides those of current and kept versions. Raises PipelineError, and nothing moves, if a
    table replaces partitions of a version that is no longer current.
    """
    with locked(versions.publication_lock(paths)):
        move, before = partial(_move_tables, paths, channel, tables, world), _channels(paths)
        bucket = object_storage.shared_bucket(paths)
        moved = bucket.publish(channel, before, parsed_channels, move) if bucket else move(before)
        replace_json(paths.manifest, moved)
        if BATCH in moved:
            versions.record(paths, moved[BATCH])
        manifest = read_manifest(paths)
        shown = {*kept, *(table.folder for table in manifest.tables.values())}
        versions.prune(paths, moved[channel]["tables"], shown, retention)
        if bucket:
            bucket.follow(channel, moved[channel]["tables"], shown)
    return manifest


def _move_tables(
    paths: Paths,
    channel: Channel,
    tables: Sequence[PublishedTable],
    world: Mapping[str, object],
    channels: Mapping[str, dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return the channels with these tables current in theirs."""
    before = channels.get(channel, {}).get("tables", {})
    current = {key: str(row["folder"]) for key, row in before.items()}
    if lost := [each.key for each in tables if is_overtaken(each.base, current.get(each.key))]:
        raise versions.overtaken(lost)
    newer = {
        table.key: asdict(table)
        for table in tables
        if table.key not in before
        or versions.number_of(table.version)
        >= versions.number_of(Path(before[table.key]["folder"]).name)
    }
    moved = {
        "sequence": versions.next_number(paths, channels),
        "published_at": datetime.now(UTC).isoformat(),
        "world": dict(world),
        "tables": {**before, **newer},
    }
    return {**channels, channel: moved}
