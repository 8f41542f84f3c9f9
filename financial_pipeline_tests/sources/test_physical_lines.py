"""No physical line is lost or counted twice, whatever it contains."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.sources.physical_lines import count_bytes, read_records, texts_of

PIECES = st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "a", "b c", "é", '""', '",', ',"']))


def _file(folder: str | Path, content: bytes) -> Path:
    path = Path(folder) / "a.csv"
    path.write_bytes(content)
    return path


@settings(deadline=None)
@given(PIECES, st.integers(1, 4))
def test_records_cover_every_physical_line_exactly_once(pieces: list[str], columns: int) -> None:
    content = "".join(pieces)
    with TemporaryDirectory() as folder:
        path = _file(folder, content.encode())
        lines = count_bytes(path).physical_lines
        records = list(read_records(path, columns, 0))
    assert lines == len(content.split("\n")) - content.endswith("\n") - (content == "")
    assert sum(record.physical_lines for record in records) == lines
    starts = [1, *(record.line_number + record.physical_lines for record in records)]
    assert [record.line_number for record in records] == starts[:-1]


def test_last_line_without_newline_counts(tmp_path: Path) -> None:
    assert count_bytes(_file(tmp_path, b"a,b\n1,2")).physical_lines == 2
    assert count_bytes(_file(tmp_path, b"a,b\n1,2\n")).commas == 2


def test_quoted_newline_makes_one_record_of_two_lines(tmp_path: Path) -> None:
    path = _file(tmp_path, b'1,"x\ny, z",3\n4,5,6\n')
    records = list(read_records(path, 3, 0))
    assert [record.fields for record in records] == [["1", "x\ny, z", "3"], ["4", "5", "6"]]
    assert [record.physical_lines for record in records] == [2, 1]


def test_stray_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    path = _file(tmp_path, b'1,"x,3\n4,5,6\n7,8,9\n')
    records = list(read_records(path, 3, 0))
    assert [record.fields for record in records] == [None, ["4", "5", "6"], ["7", "8", "9"]]


def test_inch_mark_inside_an_unquoted_field_is_text(tmp_path: Path) -> None:
    records = list(read_records(_file(tmp_path, b'1,15" screen,3\n4,5,6\n'), 3, 0))
    assert records[0].fields == ["1", '15" screen', "3"]


def test_old_spreadsheet_text_is_read_as_windows_1252(tmp_path: Path) -> None:
    records = list(read_records(_file(tmp_path, b"caf\xe9,1\n"), 2, 0))
    assert records[0].fields == ["café", "1"]


def test_texts_of_returns_the_lines_asked_for_without_their_ends(tmp_path: Path) -> None:
    path = _file(tmp_path, b"one\r\ntwo\nthree")
    assert texts_of(path, [3, 1]) == {1: "one", 3: "three"}
    assert texts_of(path, []) == {}
