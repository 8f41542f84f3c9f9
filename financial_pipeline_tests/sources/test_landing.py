"""A drop folder is read by content; what nobody knows is refused with what was expected."""

import gzip
from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources import landing
from financial_pipeline_tests.loan_text import loan, loan_file


def test_candidates_leave_out_hidden_files_and_what_lies_beside_data(tmp_path: Path) -> None:
    for name in ("b/a.csv", ".hidden.csv", ".git/x.csv", "README.txt", "notes.md", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "simulation.json").write_text("{}")
    (tmp_path / "a.pdf").write_text("x")
    names = [path.relative_to(tmp_path).as_posix() for path in landing.candidates(tmp_path)]
    assert names == ["a.pdf", "b/a.csv"]
    assert [path.name for path in landing.candidates(tmp_path, ["*.pdf"])] == ["a.csv"]


def test_form_is_told_by_content_and_never_by_name(tmp_path: Path) -> None:
    loan_file(tmp_path / "UNRATE.csv", [loan(1)])
    (tmp_path / "loans.csv").write_text("observation_date,UNRATE\n2007-01-01,4.6\n")
    found = {file.path.name: file.dataset for file in landing.detect_folder(tmp_path)}
    assert found == {"UNRATE.csv": "lending_club_loans", "loans.csv": "fred_observations"}


def test_unknown_header_is_refused_with_all_known_forms(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\nname,age\nx,1\n")
    with pytest.raises(PipelineError, match="starts with 'name,age'") as refusal:
        landing.detect(path)
    for kind in ("Lending Club loans", "rejected applications", "bank prices", "FRED series"):
        assert kind in str(refusal.value)


def test_system_files_and_leftovers_are_ignored_with_one_remark(tmp_path: Path) -> None:
    loan_file(tmp_path / "loans.csv", [loan(1)])
    for name in (
        "desktop.ini",
        "Thumbs.db",
        ".DS_Store",
        "__MACOSX/._loans.csv",
        "x.crdownload",
        "x~",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x00")
    assert [path.name for path in landing.candidates(tmp_path)] == ["loans.csv"]
    assert landing.leftovers(tmp_path) == (
        "ignored: .DS_Store, Thumbs.db, desktop.ini, x.crdownload, x~ (system files, leftovers or"
        " empty parts)"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,loan_amnt".encode("utf-32"), "is UTF-32 text, not a data file; export"),
        (b"\x04\x22\x4d\x18abc", "is an LZ4 archive, not a data file; unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS, not a data file; fetch the"),
    ],
)
def test_kinds_that_are_not_read_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(PipelineError, match=said):
        landing.detect(tmp_path / "a.csv")


def test_parts_of_a_table_share_their_snapshot_month(tmp_path: Path) -> None:
    folder = tmp_path / "loans_csv"
    folder.mkdir()
    loan_file(folder / "part-00000-x.csv", [loan(1)])
    loan_file(folder / "part-00001-x.csv", [loan(2, last_credit_pull_d="Jan-2019")])
    loan_file(folder / "part-00002-x.csv", [])
    (folder / "part-00003-x.csv").write_text("")
    (folder / "_SUCCESS").write_text("")
    files = landing.detect_folder(tmp_path)
    assert [file.path.name[:10] for file in files] == ["part-00000", "part-00001"]
    assert [file.snapshot_date for file in files] == [date(2019, 3, 1)] * 2


def test_parts_of_a_table_that_is_partitioned_by_value_share_their_month(tmp_path: Path) -> None:
    for year in (2014, 2015):
        (tmp_path / f"loans/issue_year={year}").mkdir(parents=True)
    loan_file(tmp_path / "loans/issue_year=2015/part-00000.csv", [loan(1)])
    early = loan(2, issue_d="Dec-2014", last_credit_pull_d="Jan-2019")
    loan_file(tmp_path / "loans/issue_year=2014/part-00000.csv", [early])
    dates = [file.snapshot_date for file in landing.detect_folder(tmp_path)]
    assert dates == [date(2019, 3, 1)] * 2


def test_parts_of_a_table_of_rejections_share_their_last_day(tmp_path: Path) -> None:
    header = "Amount Requested,Application Date,Debt-To-Income Ratio"
    days = {"part-00000": "2018-01-05", "part-00001": "2018-02-06", "x": "2018-01-07"}
    for name, day in days.items():
        (tmp_path / f"{name}.csv").write_text(f"{header}\n1000,{day},5%\n")
    ends = [file.last_date for file in landing.detect_folder(tmp_path)]
    assert ends == [date(2018, 2, 6), date(2018, 2, 6), date(2018, 1, 7)]


def test_parts_of_dask_are_data_and_unfinished_downloads_are_not(tmp_path: Path) -> None:
    for name in ("0.part", "1.part", "part.0.parquet"):
        loan_file(tmp_path / name, [loan(1)])
    loan_file(tmp_path / "10.part", [])
    for name in ("2018Q4.csv.part", "part-0.csv.part", "a.part"):
        loan_file(tmp_path / name, [loan(1)])
    names = [path.name for path in landing.candidates(tmp_path)]
    assert names == ["0.part", "1.part", "part.0.parquet"]


def test_binary_file_is_refused_by_name_and_not_printed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"ORC\x00\x01\xff\xfe")
    with pytest.raises(PipelineError, match="is an ORC file, not a data file"):
        landing.detect(tmp_path / "a.csv")


def test_a_damaged_part_is_a_candidate_and_an_empty_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "part-00000.csv.gz").write_bytes(gzip.compress(b"loan_amnt,term\n")[:-9])
    (tmp_path / "part-00001.csv.gz").write_bytes(gzip.compress(b""))
    assert [path.name for path in landing.candidates(tmp_path)] == ["part-00000.csv.gz"]
    assert not landing.is_price_file(tmp_path / "part-00000.csv.gz")
