"""Kinds of files by their first bytes: compressed forms that are read, others that are named."""

from typing import Final

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
# A zip archive without members, and one that is cut into parts.
ODD_ZIPS: Final = (b"PK\x05\x06", b"PK\x07\x08")
BZIP2: Final = b"BZh"
XZ: Final = b"\xfd7zXZ\x00"
ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
PARQUET: Final = b"PAR1"
ARROW: Final = b"ARROW1"
# Forms whose content is read.
READ: Final = (GZIP, ZIP, *ODD_ZIPS, BZIP2, XZ, ZSTANDARD, PARQUET, ARROW)
FOREIGN: Final = (
    (GZIP, "a gzip file inside an archive"),
    (ZIP, "a zip archive inside an archive"),
    (BZIP2, "a bzip2 file inside an archive"),
    (XZ, "an xz file inside an archive"),
    (ZSTANDARD, "a Zstandard file inside an archive"),
    (PARQUET, "a Parquet file inside an archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old form"),
    (b"%PDF", "a PDF document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "an SQLite database"),
    (ARROW, "an Arrow (Feather) file inside an archive"),
    (b"FEA1", "a Feather file of the first version"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"RDX", "R data (.rda)"),
    (b"X\n\x00", "R data (.rds)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"<stata_dta>", "a Stata file"),
    (b"{\\rtf", "a rich text document"),
    (b"<?xml", "an XML document"),
    (b"\xff\xfe\x00\x00", "UTF-32 text"),
    (b"\x00\x00\xfe\xff", "UTF-32 text"),
    (b"\x04\x22\x4d\x18", "an LZ4 archive"),
    (b"\x1f\x9d", "a compress (.Z) archive"),
    (b"$FL2", "an SPSS file"),
    (b"version https://git-lfs", "a pointer of Git LFS"),
)
TAR_MARK: Final = b"ustar"
TAR_MARK_AT: Final = 257
UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
HTML_STARTS: Final = (b"<!doctype html", b"<html", b"<head", b"<body")


def compression_of(start: bytes) -> bytes | None:
    """The mark of the compressed form that a file starts with, or None for plain content."""
    return next((mark for mark in READ if start.startswith(mark)), None)


def foreign_kind(start: bytes) -> str | None:
    """Name the kind of binary content by its first bytes; None for text."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(HTML_STARTS):
        return "a web page (HTML)"
    if start[TAR_MARK_AT:].startswith(TAR_MARK):
        return "a tar archive"
    named = next((kind for mark, kind in FOREIGN if start.startswith(mark)), None)
    if named is None and b"\x00" in start and not start.startswith(UTF16_MARKS):
        return "binary data, or UTF-16 text without a byte-order mark"
    return named
