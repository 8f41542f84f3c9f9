"""The digest of raw files: content, subject, date and order of arrival, without withdrawn ones."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from financial_pipeline.changes import file_hashes
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import LandedFile


def landed_file(path: Path, content: str, subject: str = "JPM") -> LandedFile:
    path.write_text(content)
    return LandedFile(
        path=path,
        dataset="bank_prices",
        form="yahoo",
        subject=subject,
        snapshot_date=None,
        first_date=date(2019, 1, 2),
        last_date=date(2019, 1, 3),
        rows_seen=2,
        provider="yahoo",
    )


def digest(*files: LandedFile, withdrawn: tuple[str, ...] = ()) -> str:
    hashes = file_hashes.content_hashes([file.path for file in files], {})
    return file_hashes.dataset_digest([], files, hashes, withdrawn)


def test_content_order_and_withdrawals_count_and_names_do_not(tmp_path: Path) -> None:
    a, b = landed_file(tmp_path / "a.csv", "1"), landed_file(tmp_path / "b.csv", "2")
    whole = digest(a, b)
    assert digest(b, a) != whole
    assert digest(a) != whole
    gone = f"{file_hashes.content_hashes([b.path], {})[str(b.path)][1]} bank_prices JPM None"
    assert digest(a, b, withdrawn=(gone,)) == digest(a)
    assert digest(landed_file(tmp_path / "c.csv", "1"), b) == whole
    assert digest(replace(a, subject="BAC"), b) != whole


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file = landed_file(tmp_path / "a.csv", "1")
    known = {str(file.path): (file_hashes.stamp(file.path), "kept")}
    assert file_hashes.content_hashes([file.path], known)[str(file.path)][1] == "kept"
    file.path.write_text("12")
    assert file_hashes.content_hashes([file.path], known)[str(file.path)][1] != "kept"


def test_files_are_known_only_as_they_were(tmp_path: Path) -> None:
    paths, file = Paths(tmp_path / "root"), landed_file(tmp_path / "a.csv", "1")
    assert not file_hashes.are_known(paths, [file.path])
    file_hashes.write_hashes(paths, file_hashes.content_hashes([file.path], {}))
    assert file_hashes.are_known(paths, [file.path])
    file.path.write_text("12")
    assert not file_hashes.are_known(paths, [file.path])
