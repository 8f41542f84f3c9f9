"""Compressed forms are detected from content; other files are refused with a sentence."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.compression import decompressed, first_lines, plain_stem

TEXT = b"a,b\n1,2\n"


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_plain_file_is_used_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(TEXT)
    with decompressed(path, tmp_path / "work") as plain:
        assert plain == path


def test_gzip_under_a_csv_name_is_unpacked_and_removed_after_use(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(TEXT, mtime=0))
    with decompressed(path, tmp_path / "work") as plain:
        assert plain.read_bytes() == TEXT
    assert not plain.exists()


def test_zip_of_one_member_is_unpacked_and_folders_beside_it_do_not_count(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"x/": b"", "x/a.csv": TEXT, "__MACOSX/._a.csv": b"?"})
    with decompressed(path, tmp_path) as plain:
        assert plain.read_bytes() == TEXT


def test_first_lines_drops_the_byte_order_mark_and_carriage_returns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4")
    assert first_lines(path, 2) == ["a,b", "1,2"]
    assert first_lines(path, 9) == ["a,b", "1,2", "3,4"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "contains no text"),
        (b" \n\n ", "contains no text"),
        (b"\n <!DOCTYPE html><html></html>", "web page"),
        (gzip.compress(b"<html><body>Sign in</body></html>", mtime=0), "web page"),
        (gzip.compress(TEXT * 9999, mtime=0)[:-20], "damaged or truncated"),
        (b"PK\x03\x04 but no zip", "damaged or truncated"),
        (lzma.compress(TEXT * 9999)[:-20], "damaged or truncated"),
        (b"BZh9 but no bzip2", "damaged or truncated"),
        (b"PAR1 but no Parquet", "is a Parquet file that is damaged"),
        (b"ARROW1 but no Arrow", "is an Arrow file that is damaged"),
        (b"%PDF-1.7", "a PDF document"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        (gzip.compress(b"RDX3\nX\n", mtime=0), "R data"),
        (gzip.compress(lzma.compress(TEXT), mtime=0), "an xz file inside an archive"),
        ("a,b\n".encode("utf-16-le"), "UTF-16 text without a byte-order mark"),
    ],
)
def test_what_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(content)
    with (
        pytest.raises(PipelineError, match=sentence) as refusal,
        decompressed(path, tmp_path) as plain,
    ):
        plain.read_bytes()
    assert str(path) in str(refusal.value)


def test_zip_of_two_files_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.csv": TEXT, "b.csv": TEXT})
    with pytest.raises(PipelineError, match="archive of 2 files"):
        first_lines(path, 1)


def test_excel_workbook_and_encrypted_or_unknown_zip_are_named(tmp_path: Path) -> None:
    book = _zip(tmp_path / "a.xlsx", {"[Content_Types].xml": b"", "xl/workbook.xml": b""})
    plain = _zip(tmp_path / "a.zip", {"a.csv": TEXT}).read_bytes()
    at, central = plain.index(b"PK\x03\x04"), plain.index(b"PK\x01\x02")
    locked, odd = bytearray(plain), bytearray(plain)
    locked[at + 6] = locked[central + 8] = 1
    odd[at + 8] = odd[central + 10] = 9
    (tmp_path / "locked.zip").write_bytes(locked)
    (tmp_path / "odd.zip").write_bytes(odd)
    cases = {book: "Excel", tmp_path / "locked.zip": "encrypted", tmp_path / "odd.zip": "Deflate64"}
    for path, sentence in cases.items():
        with pytest.raises(PipelineError, match=sentence):
            first_lines(path, 1)


def _tar(text: bytes) -> bytes:
    stream, member = io.BytesIO(), tarfile.TarInfo("a.csv")
    member.size = len(text)
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(member, io.BytesIO(text))
    return gzip.compress(stream.getvalue())


def test_tar_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(_tar(TEXT))
    with pytest.raises(PipelineError, match="a tar archive, not a data file; unpack it"):
        first_lines(tmp_path / "a.tar.gz", 1)


def _zstandard(text: bytes) -> bytes:
    return pa.Codec("zstd").compress(text, asbytes=True)


@pytest.mark.parametrize(
    "pack", [bz2.compress, lzma.compress, _zstandard, lambda text: text.decode().encode("utf-16")]
)
def test_other_forms_are_read_like_gzip(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(pack(TEXT * 5_000))
    assert first_lines(path, 2) == ["a,b", "1,2"]
    with decompressed(path, tmp_path / "work") as plain:
        assert plain.read_bytes() == TEXT * 5_000


def test_lines_of_old_macs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.replace(b"\n", b"\r") * 5_000)
    assert first_lines(path, 2) == ["a,b", "1,2"]
    with decompressed(path, tmp_path / "work") as plain:
        assert plain.read_bytes() == TEXT * 5_000


def test_parquet_is_read_as_csv(tmp_path: Path) -> None:
    table = pl.DataFrame({"a": [1, None], "b": ["x, y", ""], "c": [date(2015, 12, 1), None]})
    table.write_parquet(tmp_path / "a.parquet")
    assert first_lines(tmp_path / "a.parquet", 1) == ["a,b,c"]
    with decompressed(tmp_path / "a.parquet", tmp_path) as plain:
        assert plain.read_text().splitlines() == ["a,b,c", '1,"x, y",2015-12-01', ',"",']


def test_feather_is_read_as_csv(tmp_path: Path) -> None:
    table = pl.DataFrame({"a": [1, None], "b": ["x, y", ""], "c": [date(2015, 12, 1), None]})
    table.write_ipc(tmp_path / "a.feather", compression="lz4")
    assert first_lines(tmp_path / "a.feather", 1) == ["a,b,c"]
    with decompressed(tmp_path / "a.feather", tmp_path) as plain:
        assert plain.read_text().splitlines() == ["a,b,c", '1,"x, y",2015-12-01', ',"",']
    assert plain_stem(Path("UNRATE.feather")) == "UNRATE"
