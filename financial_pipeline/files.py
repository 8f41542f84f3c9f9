"""File operations that survive a crash: locks, atomic replacement, links and hashes.

Every writer of a file that is read again uses this module. A reader sees the old content or the new
one, never a part; a replaced file is on the disk before its name points at it. All changes of the
disk go through `DISK`, so that tests can fail each of them.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter

from financial_pipeline.errors import PipelineError

Record = TypeVar("Record")
# Errors that a parser raises for a record with wrong bytes or a wrong structure.
DAMAGE: Final = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)


class Disk:
    """The operations that change the disk; each may fail, or the process may end in it."""

    def write(self, path: Path, content: bytes) -> None:
        """Write a whole file."""
        path.write_bytes(content)

    def sync(self, path: Path) -> None:
        """Write a file or the entries of a folder to the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file or folder another name, in one step; a file of that name is replaced."""
        os.replace(source, target)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name."""
        os.link(source, target)

    def copy(self, source: Path, target: Path) -> None:
        """Copy the bytes and the times of a file."""
        shutil.copy2(source, target)

    def unlink(self, path: Path) -> None:
        """Remove a file, if it exists."""
        path.unlink(missing_ok=True)

    def remove(self, folder: Path) -> None:
        """Remove a folder with its files, as far as that is possible."""
        shutil.rmtree(folder, ignore_errors=True)


DISK = Disk()


@dataclass(frozen=True)
class Content:
    """The bytes of a file by their hash: equal bytes are equal content, wherever they are."""

    sha256: str
    path: Path = field(compare=False)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` for the block, and wait for it if another process has it.

    The kernel releases the lock when its holder ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_locked(path: Path) -> bool:
    """Return whether another process, or another block of this one, holds the lock on `path`."""
    try:
        with path.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def sync(path: Path) -> None:
    """Write a file or the entries of a folder to the disk."""
    DISK.sync(path)


@contextmanager
def replacing(target: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the folder of `target`, and rename it to `target` after the block.

    The temporary name starts with a dot, so readers of the folder skip it. If the block raises, the
    temporary file is removed and `target` stays as it was. `durable=False` leaves out the wait for
    the disk: use it for files that can be rebuilt, such as staging partitions.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if durable:
            DISK.sync(temporary)
        DISK.rename(temporary, target)
    except BaseException:
        DISK.unlink(temporary)
        raise
    if durable:
        DISK.sync(target.parent)


def replace_file(target: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Replace the content of a file (text as UTF-8) in one rename."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    with replacing(target, durable=durable) as temporary:
        DISK.write(temporary, data)


def append_lines(target: Path, lines: Iterable[str]) -> None:
    """Add lines to a ledger: all of them or none, and no part of one."""
    before = target.read_text("utf-8") if target.exists() else ""
    end = "" if not before or before.endswith("\n") else "\n"
    replace_file(target, before + end + "".join(f"{line}\n" for line in lines))


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can read; one that exists keeps its rights."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)


def replace_json(target: Path, content: object) -> None:
    """Replace a JSON file in one rename; values that JSON does not know are written as text."""
    replace_file(target, json.dumps(content, indent=1, sort_keys=True, default=str))


def cached_json(path: Path) -> Any:
    """Return the content of a JSON file that can be made again; None if missing or damaged."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def cached_record(path: Path, kind: TypeAdapter[Record]) -> Record | None:
    """Return a typed record that can be made again; None if its file is missing or damaged."""
    try:
        return kind.validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _object(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ValueError("no object")
    return content


def read_record(
    path: Path,
    advice: str,
    parse: Callable[[dict[str, Any]], Record] = _object,  # type: ignore[assignment]
) -> Record:
    """Return the parsed object of a JSON file that nothing else contains.

    Raises PipelineError with `advice` if it is damaged, and FileNotFoundError if it is missing.
    """
    try:
        return parse(json.loads(path.read_text("utf-8")))
    except DAMAGE as error:
        raise _damaged_file(str(path), error, advice) from None


def recorded_lines(
    path: Path,
    advice: str,
    parse: Callable[[dict[str, Any]], Record] = _object,  # type: ignore[assignment]
) -> list[Record]:
    """Return the parsed rows of a ledger, a JSON object a line; none if it is missing.

    Raises PipelineError with the number of the first damaged line and `advice`.
    """
    rows = []
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(parse(json.loads(line)))
        except DAMAGE as error:
            raise _damaged_file(f"{path}:{number}", error, advice) from None
    return rows


def _damaged_file(place: str, error: Exception, advice: str) -> PipelineError:
    reason = " ".join(str(error).split())
    return PipelineError(f"{place} is damaged ({reason}); {advice}.")


def move_folder(work: Path, target: Path) -> None:
    """Rename a complete folder to `target`, with all its files on the disk first.

    Raises OSError if `target` exists and is not empty.
    """
    for path in [*sorted(work.rglob("*")), work]:
        DISK.sync(path)
    DISK.rename(work, target)
    DISK.sync(target.parent)


def link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it on a file system without hard links."""
    try:
        DISK.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        DISK.copy(source, target)


def sha256(path: Path) -> str:
    """Return the SHA-256 of the bytes of a file, in hexadecimal."""
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def content_of(path: Path) -> Content:
    """Return the content that a file has now."""
    return Content(sha256(path), path)
