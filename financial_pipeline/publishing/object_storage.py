"""The bucket of a data root: publications go there first, by one conditional put of the manifest.

A data root with `object_storage.json` is the working copy of an address. Files of new versions are
uploaded under new names; then `published.json` of the bucket is replaced if it is still the one
that this publication continues. Until then every reader sees the old version.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import DAMAGE, cached_json, read_record, replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import archive_copy, versions
from financial_pipeline.publishing.bucket import Bucket, Unreachable, Version, in_parallel
from financial_pipeline.settings import Settings

Channels = dict[str, dict[str, Any]]
Parse = Callable[[dict[str, Any]], Channels]
MANIFEST: Final = "published.json"
BATCH: Final = "batch"
# How often a publication starts again because another channel moved meanwhile.
ATTEMPTS: Final = 10
# Files that no version names may belong to a publication in progress for this long.
UNNAMED: Final = timedelta(days=1)
LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Link:
    """The address of a working copy, and the state of the bucket that it is equal to.

    `e_tag` is that of the manifest, None before the first one; `ledgers` are hashes by path.
    """

    address: str
    e_tag: str | None = None
    ledgers: dict[str, str] = field(default_factory=dict)


def link_of(paths: Paths) -> Link | None:
    """Return the link of a working copy; None for a local data root."""
    file = paths.object_storage_link
    if not file.exists():
        return None
    return read_record(file, "remove it and repeat the command", lambda row: Link(**row))


def store_link(paths: Paths, link: Link) -> None:
    """Note which state of the bucket the working copy is equal to."""
    replace_json(paths.object_storage_link, asdict(link))


def connect(paths: Paths, address: str) -> Link:
    """Make a data root the working copy of an address, unless it is.

    Raises PipelineError if it is that of another one.
    """
    link = link_of(paths)
    if link is None:
        link = Link(address)
        store_link(paths, link)
    if link.address != address:
        raise PipelineError(
            f"{paths.data_root} is the working copy of {link.address}; pass another folder in"
            f" FINANCIAL_PIPELINE_DATA_ROOT for {address}."
        )
    return link


def shared_bucket(paths: Paths) -> "Shared | None":
    """Return the bucket of a working copy; None for a local data root."""
    link = link_of(paths)
    return None if link is None else Shared(paths, link, Bucket(link.address, Settings()))


def parse_manifest(address: str, content: bytes, parse: Parse) -> Channels:
    """Parse the manifest of an address; raise PipelineError if it is damaged."""
    try:
        return parse(json.loads(content))
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise PipelineError(
            f"{address}/{MANIFEST} is damaged ({reason}); restore an earlier version of that object"
            " or of a copy of the bucket."
        ) from None


def folders_of(tables: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the folders of tables in a channel."""
    return {str(row["folder"]) for row in tables.values()}


class Shared:
    """A working copy and its bucket, for one publication."""

    def __init__(self, paths: Paths, link: Link, bucket: Bucket) -> None:
        self.paths, self.link, self.bucket = paths, link, bucket
        self._before = {_version_key(name) for name in versions.names(paths)}
        self._published: Link | None = None

    def publish(
        self, channel: str, local: Channels, parse: Parse, move: Callable[[Channels], Channels]
    ) -> Channels:
        """Make a moved channel current in the bucket; return the channels of the working copy.

        `local` are its channels before, and `move` makes new tables current in one of them. The
        others stay as they are in the bucket, whoever moved them, and as they are here until the
        next pull. Raises PipelineError, and nothing moves, if another machine moved this channel.
        """
        uploaded: set[str] = set()
        ledgers = archive_copy.upload(self.bucket, self.paths) if channel == BATCH else {}
        for _ in range(ATTEMPTS):
            found = self.bucket.read(MANIFEST, self.link.e_tag)
            base = self._base(channel, local, found, parse)
            moved = move(base)
            if channel == BATCH:
                moved[BATCH]["ledgers"] = ledgers
            folders = set(_all_tables(moved).values())
            # The first publication of a data root that was local has its kept versions too.
            folders |= set() if found else self._named_folders()
            self._upload(folders - uploaded, _all_tables(base) if found else {})
            uploaded |= folders
            content = json.dumps(moved, indent=1, sort_keys=True, default=str).encode()
            e_tag = self.bucket.replace(MANIFEST, content, found.e_tag if found else None)
            e_tag = e_tag or self._tag_of_own(content)
            if e_tag:
                return self._note_move({**local, channel: moved[channel]}, moved, e_tag, ledgers)
        raise PipelineError(
            f"{self.link.address} changed {ATTEMPTS} times while this publication was made; nothing"
            " of it is published. Repeat the command."
        )

    def _note_move(
        self, here: Channels, moved: Channels, e_tag: str, ledgers: dict[str, str]
    ) -> Channels:
        # A copy that lacks the move of another channel has an older tag, so that it is pulled.
        tag = e_tag if here == moved else self.link.e_tag
        self._published = replace(self.link, e_tag=tag, ledgers=ledgers or self.link.ledgers)
        return here

    def _base(self, channel: str, local: Channels, found: Version | None, parse: Parse) -> Channels:
        """Return the channels of the bucket; raise PipelineError unless `local` continues them."""
        if found is None and self.link.e_tag is None:
            return local
        if found is None:
            raise PipelineError(
                f"{self.link.address} has no {MANIFEST} any more; nothing is published. Restore it,"
                f" or remove {self.paths.object_storage_link} to fill the bucket from this copy."
            )
        if found.content is None:
            return local
        base = parse_manifest(self.link.address, found.content, parse)
        theirs, ours = base.get(channel), local.get(channel)
        if theirs is not None and (ours is None or theirs["published_at"] != ours["published_at"]):
            raise _overtaken(self.link.address, channel, theirs)
        return base

    def _tag_of_own(self, content: bytes) -> str | None:
        """Return the tag of the manifest if a put whose answer was lost has made it this one."""
        found = self.bucket.read(MANIFEST)
        return found.e_tag if found and found.content == content else None

    def _upload(self, folders: Collection[str], known: Mapping[str, str]) -> None:
        """Upload folders; a file that is linked from one of `known`, by table, is copied there."""
        work: list[tuple[Path, str | None]] = []
        root = self.paths.data_root
        for folder in sorted(set(folders) - set(known.values())):
            earlier = known.get(folder.rpartition("/")[0])
            files = (root / earlier).glob("[!.]*") if earlier else ()
            before = {path.stat().st_ino: f"{earlier}/{path.name}" for path in files}
            for path in sorted((root / folder).glob("[!.]*")):
                work.append((path, before.get(path.stat().st_ino)))
        in_parallel(self._send, work)

    def _send(self, work: tuple[Path, str | None]) -> None:
        path, equal = work
        key = path.relative_to(self.paths.data_root).as_posix()
        if equal:
            self.bucket.copy(equal, key)
        else:
            self.bucket.put(key, path)

    def follow(self, channel: str, keys: Iterable[str], shown: Collection[str]) -> None:
        """Note the published state; store new versions in the bucket, and remove pruned ones.

        `keys` are the tables of the channel, `shown` the folders to keep. The publication is valid
        by now: a fault of the bucket is logged, and the next publication does the rest.
        """
        if self._published:
            store_link(self.paths, self._published)
        try:
            limit = datetime.now(UTC) - UNNAMED
            if channel == BATCH:
                self._follow_versions(limit)
            named = {*shown, *self._named_folders()}
            in_parallel(partial(self._prune, named=named, limit=limit), keys)
        except Unreachable as error:
            LOGGER.warning("Published, but what it replaced is still in the bucket: %s", error)

    def _follow_versions(self, limit: datetime) -> None:
        """Store the kept versions in the bucket, and remove those that were just pruned."""
        kept = {_version_key(name): name for name in versions.names(self.paths)}
        stored = self.bucket.listed("versions/")
        new = [key for key in kept if key not in stored]
        in_parallel(lambda key: self.bucket.put(key, versions.file_of(self.paths, kept[key])), new)
        self.bucket.delete(sorted((self._before & stored.keys()) - kept.keys()))
        named = {
            digest for each in self._kept_versions() for digest in each.get("ledgers", {}).values()
        }
        archive_copy.prune_ledgers(self.bucket, named, limit)

    def _kept_versions(self) -> Iterator[dict[str, Any]]:
        """Yield the kept versions, of which the current one is the last."""
        for name in versions.names(self.paths):
            yield cached_json(versions.file_of(self.paths, name)) or {"tables": {}}

    def _named_folders(self) -> set[str]:
        """Return the folders that kept versions name."""
        return {folder for each in self._kept_versions() for folder in folders_of(each["tables"])}

    def _prune(self, key: str, named: Collection[str], limit: datetime) -> None:
        """Remove the folders of a table that no version names and nobody is writing."""
        stored = self.bucket.listed(f"{key}/")
        unnamed = {path for path in stored if path.rpartition("/")[0] not in named}
        self.bucket.delete(sorted(path for path in unnamed if stored[path].written_at < limit))


def _version_key(name: str) -> str:
    return f"versions/{name}.json"


def _all_tables(channels: Channels) -> dict[str, str]:
    """Return the folders of the tables of all channels by key."""
    return {key: row["folder"] for each in channels.values() for key, row in each["tables"].items()}


def _overtaken(address: str, channel: str, theirs: Mapping[str, Any]) -> PipelineError:
    return PipelineError(
        f"Another machine published version {theirs['sequence']} of the {channel} tables in"
        f" {address} at {theirs['published_at'][:19]} UTC, after this run had started; nothing of"
        " this run is published, so that no update is lost. Repeat the command: it starts from"
        " that version."
    )
