"""Plain text of delimited files, compressed or not, and of Parquet, detected by their first bytes.

Read are gzip, bzip2, xz, Zstandard, zip archives of one file, UTF-16 text, and tables in Parquet or
Arrow's file form (Feather), which become CSV. Every other content is refused by its name.
"""

import bz2
import gzip
import lzma
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, Final, TextIO, cast

import polars as pl
import pyarrow as pa

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources import file_kinds
from financial_pipeline.sources.bounded import Bounded
from financial_pipeline.sources.file_kinds import compression_of, foreign_kind

SUFFIXES: Final = re.compile(
    r"(\.(csv|txt|json|gz|zip|bz2|xz|zst|parquet|feather|arrow))+$", re.IGNORECASE
)


class EmptyFile(PipelineError):
    """A file without content."""


def plain_stem(path: Path) -> str:
    """The file name without its suffixes: `JPM` of `JPM.csv.gz`."""
    return SUFFIXES.sub("", path.name)


COPY_BLOCK: Final = 1 << 22
PEEKED_BYTES: Final = 512
# Enough for the longest header and a row.
LINE_BYTES: Final = 1 << 16
ENCRYPTED: Final = 0x1
# Methods that Python's zip reader supports: stored, Deflate, bzip2, LZMA.
ZIP_METHODS: Final = (
    zipfile.ZIP_STORED,
    zipfile.ZIP_DEFLATED,
    zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
)
# Written by operating systems into folders and archives.
SYSTEM_NAMES: Final = frozenset({"desktop.ini", "thumbs.db", "__macosx"})


def is_system_name(name: str) -> bool:
    """Whether a file or folder of this name is the operating system's: hidden ones are."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def _zip_member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    members = [
        item
        for item in archive.infolist()
        if not item.is_dir()
        and not any(map(is_system_name, PurePosixPath(item.filename).parts))
        # Files that some systems add to downloads to describe them.
        and not PurePosixPath(item.filename).name.upper().startswith("README")
    ]
    if any(item.filename.startswith("xl/") for item in members):
        raise PipelineError(f"{path} is an Excel workbook; save its sheet as CSV.")
    if len(members) != 1:
        raise PipelineError(
            f"{path} is an archive of {len(members)} files; expected a zip of exactly one CSV file:"
            " unpack it."
        )
    if members[0].flag_bits & ENCRYPTED:
        raise PipelineError(f"{path} is an encrypted archive; unpack it with its password.")
    if members[0].compress_type not in ZIP_METHODS:
        raise PipelineError(
            f"{path} is packed with zip method {members[0].compress_type} (9 is Deflate64), which"
            " Python cannot unpack; unpack it, or pack it with Deflate."
        )
    return archive.open(members[0])


def _table_as_csv(path: Path, rows: int | None, mark: bytes) -> IO[bytes]:
    """The first `rows` of a table, or all, as CSV; months and days in ISO form."""
    is_parquet = mark == file_kinds.PARQUET
    stream = cast(IO[bytes], TemporaryFile())  # noqa: SIM115 - the caller closes it
    try:
        table = pl.scan_parquet(path, glob=False) if is_parquet else pl.scan_ipc(path, glob=False)
        (table if rows is None else table.head(rows)).sink_csv(stream)
    except pl.exceptions.PolarsError as error:
        stream.close()
        kind, reason = "a Parquet" if is_parquet else "an Arrow", str(error).splitlines()[0]
        raise PipelineError(
            f"{path} is {kind} file that is damaged or has nested columns ({reason}); export it"
            " as CSV."
        ) from error
    stream.seek(0)
    return stream


def _open_bytes(path: Path, rows: int | None = None) -> IO[bytes]:
    return cast(IO[bytes], BufferedReader(Bounded(_open_unbounded(path, rows), path), COPY_BLOCK))


def _open_unbounded(path: Path, rows: int | None) -> IO[bytes]:
    with path.open("rb") as stream:
        start = stream.read(PEEKED_BYTES)
    if not start:
        raise EmptyFile(f"{path} is empty (0 bytes); download or export it again.")
    match mark := compression_of(start):
        case file_kinds.GZIP:
            return cast(IO[bytes], gzip.open(path, "rb"))
        case file_kinds.BZIP2:
            return cast(IO[bytes], bz2.open(path, "rb"))
        case file_kinds.XZ:
            return cast(IO[bytes], lzma.open(path, "rb"))
        case file_kinds.ZSTANDARD:
            return cast(IO[bytes], pa.input_stream(str(path), compression="zstd"))
        case file_kinds.PARQUET | file_kinds.ARROW:
            return _table_as_csv(path, rows, mark)
        case None:
            return path.open("rb")
    return _zip_member(path)


def _refuse_foreign(path: Path, start: bytes) -> None:
    if not start.strip():
        raise EmptyFile(f"{path} contains no text; download or export it again.")
    kind = foreign_kind(start)
    if kind is None:
        return
    advice = "export its table as CSV"
    if "HTML" in kind:
        advice = "the download probably met a login or an error page: fetch the file itself"
    elif "Git LFS" in kind:
        advice = "fetch the file itself with git lfs pull"
    elif "archive" in kind:
        advice = "unpack it, or pack the CSV file alone"
    raise PipelineError(f"{path} is {kind}, not a data file; {advice}.")


@contextmanager
def _explain_damage(path: Path) -> Iterator[None]:
    damaged = (
        zipfile.BadZipFile,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        lzma.LZMAError,
        pa.ArrowInvalid,
    )
    try:
        yield
    except (*damaged, OSError) as error:
        # The operating system numbers its errors; decompressors do not.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise PipelineError(
            f"{path} is a damaged or truncated archive ({error}); download it again."
        ) from error


@contextmanager
def _bytes(path: Path, rows: int | None = None) -> Iterator[tuple[IO[bytes], str]]:
    """The decompressed bytes, from the start, and their encoding, after a look at the content."""
    with _explain_damage(path):
        with _open_bytes(path, rows=1) as stream:
            start = stream.read(PEEKED_BYTES)
        _refuse_foreign(path, start)
        is_utf16 = start.startswith(file_kinds.UTF16_MARKS)
        with _open_bytes(path, rows) as stream:
            yield stream, "utf-16" if is_utf16 else "utf-8-sig"


@contextmanager
def open_text_lines(path: Path, rows: int | None = None) -> Iterator[TextIO]:
    """The decompressed lines as text (byte-order mark dropped), line ends unified.

    Of a table only the first `rows`, if given. Raises PipelineError for an empty file, a
    damaged or encrypted archive, and content that is no text, by its name.
    """
    with (
        _bytes(path, rows) as (stream, encoding),
        TextIOWrapper(stream, encoding, errors="replace") as text,
    ):
        yield text


def first_lines(path: Path, count: int) -> list[str]:
    """At most `count` first lines without their line ends; errors as `open_text_lines`."""
    with open_text_lines(path, rows=count) as lines:
        return [line.rstrip("\n") for line, _ in zip(lines, range(count), strict=False)]


@contextmanager
def decompressed(path: Path, work_dir: Path) -> Iterator[Path]:
    """A plain file with the content: `path` itself, or a temporary copy in `work_dir`.

    Streams in blocks of 4 MB; the copy is removed on leaving. Errors as `open_text_lines`.
    """
    with path.open("rb") as start:
        is_compressed = compression_of(start.read(PEEKED_BYTES)) is not None
    with _bytes(path) as (stream, encoding):
        seen = stream.read(LINE_BYTES)
    # Line ends of old Macs; for all later readers the file would be one line.
    has_returns = encoding != "utf-16" and b"\r" in seen and b"\n" not in seen
    with _bytes(path) as (stream, encoding):
        if not is_compressed and encoding != "utf-16" and not has_returns:
            while stream.read(COPY_BLOCK):
                pass
            yield path
            return
        work_dir.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=work_dir, prefix=".plain-", suffix=".csv") as copy:
            if encoding == "utf-16":
                text = TextIOWrapper(stream, encoding, errors="replace", newline="")
                while block := text.read(COPY_BLOCK):
                    copy.write(block.encode("utf-8"))
            elif has_returns:
                while data := stream.read(COPY_BLOCK):
                    copy.write(data.replace(b"\r", b"\n"))
            else:
                shutil.copyfileobj(stream, copy, COPY_BLOCK)
            copy.flush()
            yield Path(copy.name)
