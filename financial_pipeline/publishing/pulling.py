"""Downloads of published folders into a working copy, each whole or not at all."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from financial_pipeline.files import DISK, move_folder
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.bucket import Bucket, in_parallel
from financial_pipeline.publishing.object_storage import folders_of, shared_bucket

# The end of the name of a folder that is not complete yet; its name starts with a dot.
PARTIAL: Final = ".pulled"


def complete(paths: Paths, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Download the folders of tables that a working copy lacks; nothing for a local data root."""
    copy = shared_bucket(paths)
    if copy is not None:
        download(copy.bucket, paths, folders_of(tables))


def download(bucket: Bucket, paths: Paths, folders: Collection[str]) -> None:
    """Download the folders that the working copy lacks.

    One that the bucket has lost stays absent: its table is then named when it is queried.
    """
    missing = sorted(folder for folder in folders if not _has_files(paths.data_root / folder))
    found: dict[str, list[str]] = {}

    def find(folder: str) -> None:
        found[folder] = list(bucket.listed(f"{folder}/"))

    def fetch(key: str) -> None:
        bucket.download(key, _partial(paths, key.rpartition("/")[0]) / key.rpartition("/")[2])

    in_parallel(find, missing)
    in_parallel(fetch, [key for keys in found.values() for key in keys])
    for folder, keys in found.items():
        if keys:
            _put_in_place(_partial(paths, folder), paths.data_root / folder)


def _partial(paths: Paths, folder: str) -> Path:
    target = paths.data_root / folder
    return target.with_name(f".{target.name}{PARTIAL}")


def _has_files(folder: Path) -> bool:
    return any(folder.glob("[!.]*"))


def _put_in_place(work: Path, target: Path) -> None:
    # A killed run may have left an empty folder.
    if target.is_dir():
        DISK.remove(target)
    move_folder(work, target)
