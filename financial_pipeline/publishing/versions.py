"""The kept versions of the batch channel: one small file each, and their retention.

`versions/<version>.json` has the tables of a version without the hashes of their partitions. A
reader of a version has a shared lock on its file, which the kernel releases when the reader ends.
"""

import fcntl
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import DISK, cached_json, read_record, replace_json
from financial_pipeline.paths import Paths

GIB: Final = 2**30
# The number of newest folders of every table that are kept even if no kept version names them.
KEPT_FOLDERS: Final = 3
DAMAGED: Final = "remove it, and read another version"
LAYERS: Final = ("exports", "metrics", "ml", "stream", "operations")
# The digits of a number, so that names sort like numbers, and the random part of a folder name.
DIGITS: Final = 8
VERSION: Final = re.compile(rf"(\d{{{DIGITS}}})-[0-9a-f]{{6}}")


@dataclass(frozen=True)
class Retention:
    """The number of versions that stay readable, and the bytes that their files may use together.

    A version that was current less than `seconds` ago stays, and so does one that is being read.
    """

    versions: int = 30
    max_bytes: int = 20 * GIB
    seconds: float = 3600.0


KEEP_30: Final = Retention()


def number_of(version: str) -> int:
    """Return the number in the name of a version; 0 for a name of another form."""
    found = VERSION.fullmatch(version)
    return int(found[1]) if found else 0


def next_number(paths: Paths, channels: Mapping[str, Mapping[str, Any]]) -> int:
    """Return a number above all that exist: folders, also of lost manifests, and channels."""
    folders = (path for layer in LAYERS for path in (paths.data_root / layer).glob("*/*"))
    tables = (row["folder"] for each in channels.values() for row in each["tables"].values())
    numbers = [number_of(path.name) for path in folders]
    numbers += [number_of(Path(folder).name) for folder in tables]
    return 1 + max([*numbers, *(each["sequence"] for each in channels.values())], default=0)


def is_overtaken(base: str | None, current: str | None) -> bool:
    """Return whether partitions of `base` were replaced, and another folder is current by now."""
    return base is not None and current is not None and base != current


def overtaken(keys: Iterable[str]) -> PipelineError:
    """Return the error of a publication that would lose the update of another one."""
    return PipelineError(
        f"Another run published {', '.join(sorted(keys))} while this publication was built from the"
        " version before; its tables are not published, so that no update is lost. Run it again."
    )


def publication_lock(paths: Paths) -> Path:
    """Return the lock under which the manifest of a data root moves."""
    return paths.data_root / ".publish.lock"


def file_of(paths: Paths, version: str) -> Path:
    """Return the file of a kept version."""
    return paths.data_root / "versions" / f"{version}.json"


def names(paths: Paths) -> list[str]:
    """Return the names of the versions that can be read, oldest first."""
    return sorted(path.stem for path in (paths.data_root / "versions").glob("[!.]*.json"))


def record(paths: Paths, channel: Mapping[str, Any]) -> None:
    """Store the batch channel as a version, unless it is stored."""
    version = f"{channel['sequence']:0{DIGITS}}"
    if not file_of(paths, version).exists():
        tables = {key: {**row, "partitions": {}} for key, row in channel["tables"].items()}
        replace_json(file_of(paths, version), {**channel, "tables": tables})


def read(
    paths: Paths, version: str, parse: Callable[[dict[str, Any]], dict[str, Any]] = dict
) -> dict[str, Any] | None:
    """Return the channel as it was at a version, or None if it is unknown or pruned.

    Raises PipelineError if its file is damaged.
    """
    try:
        return read_record(file_of(paths, version), DAMAGED, parse)
    except FileNotFoundError:
        return None


@contextmanager
def reading(paths: Paths, version: str) -> Iterator[None]:
    """Keep pruning away from a version for the block; nothing happens if it is not recorded."""
    try:
        handle = file_of(paths, version).open("rb")
    except FileNotFoundError:
        yield
        return
    with handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


def remove_if_unread(file: Path) -> bool:
    """Remove the file of a version unless a reader has it; return whether it was removed."""
    with file.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        DISK.unlink(file)
    return True


def _new_bytes(paths: Paths, folders: set[str], seen: set[int]) -> int:
    """Return the bytes of the files of these folders that no earlier call counted."""
    size = 0
    for path in (path for folder in folders for path in (paths.data_root / folder).glob("*")):
        status = path.stat()
        if status.st_ino not in seen:
            seen.add(status.st_ino)
            size += status.st_size
    return size


def prune(paths: Paths, keys: Iterable[str], kept: set[str], retention: Retention) -> None:
    """Remove old versions, and the folders of these tables that no kept version names.

    The folders `kept` stay, as do the newest of each table and those that were made lately.
    """
    named = kept | _prune_versions(paths, retention)
    for old in _old_folders(paths, keys):
        is_young = time.time() - old.stat().st_mtime < retention.seconds
        if old.relative_to(paths.data_root).as_posix() not in named and not is_young:
            DISK.remove(old)


def _prune_versions(paths: Paths, retention: Retention) -> set[str]:
    """Remove the versions beyond the retention and return the folders of all that are kept."""
    kept: set[str] = set()
    seen: set[int] = set()
    size, replaced_at = 0, time.time()
    for place, version in enumerate(reversed(names(paths))):
        file = file_of(paths, version)
        written_at = file.stat().st_mtime
        # A damaged version must not stop a publication; it then names no folders.
        channel = cached_json(file) or {"tables": {}}
        folders = {str(row["folder"]) for row in channel["tables"].values()}
        size += _new_bytes(paths, folders - kept, seen)
        is_beyond = place >= retention.versions or size > retention.max_bytes
        is_old = time.time() - replaced_at > retention.seconds
        if not (place and is_beyond and is_old and remove_if_unread(file)):
            kept |= folders
        replaced_at = written_at
    return kept


def _old_folders(paths: Paths, keys: Iterable[str]) -> Iterator[Path]:
    for key in keys:
        folders = [path for path in (paths.data_root / key).glob("*") if path.is_dir()]
        folders.sort(key=lambda path: (number_of(path.name), path.name), reverse=True)
        yield from folders[KEPT_FOLDERS:]
