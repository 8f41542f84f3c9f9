"""Compressed forms are detected from content; other files are refused with a sentence."""

import gzip
import zipfile
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.compression import decompressed, first_lines

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
        (TEXT.decode().encode("utf-16"), "UTF-16"),
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
