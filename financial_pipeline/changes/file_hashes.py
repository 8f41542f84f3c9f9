"""Content hashes of landed files, which are read again only if their size or time changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from financial_pipeline.changes.code import hash_texts
from financial_pipeline.files import cached_record, replace_json, sha256
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import LandedFile, RawFile, identity

# Path -> its size and times, and its content hash.
Hashes = dict[str, tuple[str, str]]
HASHES: Final = TypeAdapter(Hashes)


def stamp(path: Path) -> str:
    """Return a stamp that changes whenever the content of a file is written."""
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def content_hashes(files: Sequence[Path], known: Mapping[str, Sequence[str]]) -> Hashes:
    """Return the SHA-256 of every file by path; an unchanged file is not read again."""
    hashes: Hashes = {}
    for path in files:
        now = stamp(path)
        before = known.get(str(path))
        digest = before[1] if before and before[0] == now else sha256(path)
        hashes[str(path)] = (now, digest)
    return hashes


def read_hashes(paths: Paths) -> Hashes:
    """Return the hashes of the files that the last command worked on; none if that is unknown."""
    return cached_record(_file(paths), HASHES) or {}


def write_hashes(paths: Paths, hashes: Hashes) -> None:
    """Store the hashes of the files that a command works on."""
    replace_json(_file(paths), hashes)


def are_known(paths: Paths, files: Sequence[Path]) -> bool:
    """Return whether the last command worked on these files, as they are now, and no others."""
    known = {path: row[0] for path, row in read_hashes(paths).items()}
    return known == {str(path): stamp(path) for path in files}


def _file(paths: Paths) -> Path:
    return paths.data_root / "landed.json"


def dataset_digest(
    archived: Iterable[RawFile],
    landed: Iterable[LandedFile],
    hashes: Hashes,
    withdrawn: Collection[str],
) -> str:
    """Return one hash of the raw files that a dataset will have once `landed` is archived.

    A file counts with its subject and date, because two dated copies with equal bytes are two
    vintages, and in its order of arrival, because later arrivals win.
    """
    known = [file.identity for file in archived]
    coming = [identity(hashes[str(file.path)][1], file) for file in landed]
    ordered = dict.fromkeys([*known, *coming])
    return hash_texts(each for each in ordered if each not in withdrawn)
