"""The working copy of an address in object storage: it is brought up to date before it is read.

One request tells whether the manifest of the bucket is the known one. If not, the folders that the
new manifest names are downloaded first, and the manifest of the working copy moves last. A pull
that ends anywhere leaves the version that was readable before.
"""

import os
import re
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import is_locked, locked, private_folder, replace_file
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import archive_copy, versions
from financial_pipeline.publishing.bucket import Bucket
from financial_pipeline.publishing.manifest import (
    BATCH,
    channel_tables,
    is_published,
    parsed_channels,
    read_manifest,
)
from financial_pipeline.publishing.object_storage import (
    MANIFEST,
    Channels,
    Shared,
    connect,
    folders_of,
    parse_manifest,
    shared_bucket,
    store_link,
)
from financial_pipeline.publishing.publication import Publication, pending
from financial_pipeline.publishing.pulling import download
from financial_pipeline.publishing.versions import Retention, publication_lock

VERSION_KEY: Final = re.compile(r"versions/(\d{8})\.json")
# A page of the dashboard asks the bucket again after this many seconds.
REFRESH_SECONDS: Final = 30.0
# The bucket decides which versions there are; only folders that none of them names are removed.
ALL_VERSIONS: Final = Retention(versions=2**31, max_bytes=2**62)

_refreshed_at: dict[Paths, float] = {}


def prepare(paths: Paths, address: str | None, *, builds: bool) -> None:
    """Make a data root the working copy of an address, and bring it up to date.

    Without `address` it is a working copy already. `builds` also downloads the raw files.
    """
    if address:
        private_folder(paths.data_root)
        connect(paths, address)
    pull(paths)
    copy = shared_bucket(paths)
    if builds and copy:
        _complete_archive(copy)


def refresh(paths: Paths) -> None:
    """Bring a working copy up to date for a page, now and then.

    If the bucket cannot be reached, or a publication is under way, the page shows the old version.
    """
    if not paths.object_storage_link.exists() or is_locked(publication_lock(paths)):
        return
    now = time.monotonic()
    if now - _refreshed_at.get(paths, -REFRESH_SECONDS) >= REFRESH_SECONDS:
        _refreshed_at[paths] = now
        with suppress(PipelineError):
            pull(paths)


def pull(paths: Paths) -> None:
    """Make the published version of the bucket current in the working copy.

    A command that runs in this working copy continues the version that it started from: nothing is
    pulled until it ends.
    """
    copy = shared_bucket(paths)
    if copy is None:
        return
    with locked(publication_lock(paths)):
        if is_locked(paths.dagster_home / "command.lock"):
            return
        found = copy.bucket.read(MANIFEST, copy.link.e_tag)
        if found is None and copy.link.e_tag:
            raise PipelineError(
                f"{copy.link.address} has no {MANIFEST} any more; restore it, or remove"
                f" {paths.data_root} to start from an empty bucket."
            )
        if found is not None and found.content is not None:
            channels = parse_manifest(copy.link.address, found.content, parsed_channels)
            _take(copy, channels, found.content, found.e_tag)


def _take(copy: Shared, channels: Channels, content: bytes, e_tag: str | None) -> None:
    paths, bucket = copy.paths, copy.bucket
    folders = {folder for each in channels.values() for folder in folders_of(each["tables"])}
    _check_it_is_a_copy(copy, folders)
    download(bucket, paths, folders)
    artifacts = {key.rpartition("/")[0] for key in bucket.listed(f"{archive_copy.ARTIFACTS}/")}
    download(bucket, paths, artifacts)
    _take_versions(bucket, paths)
    batch: dict[str, Any] = channels.get(BATCH, {})
    ledgers = batch.get("ledgers", {})
    archive_copy.take_ledgers(bucket, paths, ledgers, copy.link.ledgers)
    replace_file(paths.manifest, content)
    if batch:
        versions.record(paths, batch)
    store_link(paths, replace(copy.link, e_tag=e_tag, ledgers=ledgers))
    tables = read_manifest(paths).tables
    waiting = [Publication(paths, name).registered().values() for name in pending(paths)]
    shown = {table.folder for group in (tables.values(), *waiting) for table in group}
    versions.prune(paths, tables, shown, ALL_VERSIONS)


def _check_it_is_a_copy(copy: Shared, folders: set[str]) -> None:
    """Raise PipelineError if the data root has published tables of its own."""
    paths = copy.paths
    if copy.link.e_tag is not None or not is_published(paths) or not channel_tables(paths, BATCH):
        return
    if not all((paths.data_root / folder).is_dir() for folder in folders):
        raise PipelineError(
            f"{paths.data_root} has published tables of its own, and {copy.link.address} has"
            " others; use an empty folder as working copy, or an empty address."
        )


def _take_versions(bucket: Bucket, paths: Paths) -> None:
    """Make the kept versions those of the bucket, with its times; one that is read stays."""
    stored = bucket.listed("versions/")
    names = {found[1]: key for key in stored if (found := VERSION_KEY.fullmatch(key))}
    for name in sorted(names.keys() - set(versions.names(paths))):
        file = versions.file_of(paths, name)
        bucket.download(names[name], file)
        written_at = stored[names[name]].written_at.timestamp()
        os.utime(file, (written_at, written_at))
    for name in set(versions.names(paths)) - names.keys():
        versions.remove_if_unread(versions.file_of(paths, name))


def _complete_archive(copy: Shared) -> None:
    """Download the raw files that the ledger of the archive names; a file is as it was archived."""
    folders = archive_copy.archived_folders(copy.paths)
    missing = {each for each in folders if not (copy.paths.data_root / each).is_dir()}
    download(copy.bucket, copy.paths, missing)
    for path in (path for each in missing for path in (copy.paths.data_root / each).glob("*")):
        path.chmod(0o444)
