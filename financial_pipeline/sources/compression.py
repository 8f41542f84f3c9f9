"""Plain text of `.csv`, `.csv.gz` and one-member `.zip` files, detected by their first bytes."""

import gzip
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Final, TextIO, cast

from financial_pipeline.errors import PipelineError

SUFFIXES: Final = re.compile(r"(\.(csv|txt|json|gz|zip))+$", re.IGNORECASE)


def plain_stem(path: Path) -> str:
    """The file name without its suffixes: `JPM` of `JPM.csv.gz`."""
    return SUFFIXES.sub("", path.name)


def tokens(path: Path) -> list[str]:
    """The words of a file name in upper case: `BAC` and `2004` of `bac_2004.csv`."""
    return [token for token in re.split(r"[^A-Z0-9]+", plain_stem(path).upper()) if token]


GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")
COPY_BLOCK = 1 << 22
PEEKED_BYTES = 512


def _zip_member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    members = [
        item
        for item in archive.infolist()
        if not item.is_dir()
        and not item.filename.startswith(("__MACOSX", "."))
        # ALFRED's downloads describe themselves.
        and not Path(item.filename).name.upper().startswith("README")
    ]
    if len(members) != 1:
        raise PipelineError(
            f"{path} is an archive of {len(members)} files; expected a zip of exactly one CSV file"
            " (a spreadsheet must be saved as CSV first)."
        )
    return archive.open(members[0])


def _open_bytes(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        magic = stream.read(2)
    if not magic:
        raise PipelineError(f"{path} is empty (0 bytes); download or export it again.")
    if magic == GZIP_MAGIC:
        return cast(IO[bytes], gzip.open(path, "rb"))
    return _zip_member(path) if magic == ZIP_MAGIC else path.open("rb")


def _refuse_foreign(path: Path, start: bytes) -> None:
    if not start.strip():
        raise PipelineError(f"{path} contains no text; download or export it again.")
    if start.startswith(UTF16_MARKS):
        raise PipelineError(f"{path} is UTF-16 text; save it again as CSV in UTF-8.")
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(HTML_STARTS):
        raise PipelineError(
            f"{path} is a web page (HTML), not data; the download probably met a login or an error"
            " page: fetch the file itself."
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise PipelineError(
            f"{path} is a damaged or truncated archive ({error}); download it again."
        ) from error


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    """The decompressed bytes, from the start, after the content has been looked at."""
    with _told(path):
        with _open_bytes(path) as stream:
            _refuse_foreign(path, stream.read(PEEKED_BYTES))
        with _open_bytes(path) as stream:
            yield stream


@contextmanager
def open_text_lines(path: Path) -> Iterator[TextIO]:
    """The decompressed lines as text (UTF-8, byte-order mark dropped), line ends unified.

    Raises PipelineError for an empty file, a web page, UTF-16 text and a damaged archive.
    """
    with _bytes(path) as stream, TextIOWrapper(stream, "utf-8-sig", errors="replace") as text:
        yield text


def first_lines(path: Path, count: int) -> list[str]:
    """At most `count` first lines without their line ends; errors as `open_text_lines`."""
    with open_text_lines(path) as lines:
        return [line.rstrip("\n") for line, _ in zip(lines, range(count), strict=False)]


@contextmanager
def decompressed(path: Path, work_dir: Path) -> Iterator[Path]:
    """A plain file with the content: `path` itself, or a temporary copy in `work_dir`.

    Streams in blocks of 4 MB; the copy is removed on leaving. Errors as `open_text_lines`.
    """
    with _bytes(path) as stream:
        with path.open("rb") as start:
            plain = not start.read(2).startswith((GZIP_MAGIC, ZIP_MAGIC))
        if plain:
            yield path
            return
        work_dir.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=work_dir, prefix=".plain-", suffix=".csv") as copy:
            shutil.copyfileobj(stream, copy, COPY_BLOCK)
            copy.flush()
            yield Path(copy.name)
