"""Rejected applications by application month, every line accounted for."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.schemas.staging import LENDING_CLUB_REJECTIONS
from financial_pipeline.settings import Settings
from financial_pipeline.staging.accounting import StagingSummary
from financial_pipeline.staging.rejections import stage_rejections
from financial_pipeline.staging.row_accounting import by_file, read_accounting
from financial_pipeline_tests.loan_text import write
from financial_pipeline_tests.staging.loan_stage import raw_file

HEADER = ",".join(REJECTION_COLUMNS)
FIRST, LAST = date(2007, 5, 1), date(2007, 7, 1)


def _row(day: str, amount: str = "1000.0") -> str:
    return f'{amount},{day},"Wedding, small",693.0,10%,481xx,NM,4 years,0.0'


def _stage(root: Path, *paths: Path, lenient: bool = True) -> StagingSummary:
    settings = Settings(max_quarantine_share=1.0 if lenient else 0.01)
    files = [raw_file(path) for path in paths]
    return stage_rejections(Paths(root), files, FIRST, LAST, settings)


def test_each_application_lands_in_its_month(tmp_path: Path) -> None:
    days = ["2007-05-26", "2007-07-01", "2007-05-31"]
    summary = _stage(tmp_path / "d", write(tmp_path / "a.csv", [HEADER, *map(_row, days)]))
    assert summary.partitions == {"2007-05-01": 2, "2007-06-01": 0, "2007-07-01": 1}
    assert summary.newest_event == date(2007, 7, 1)
    folder = tmp_path / "d" / "staging" / "lending_club_rejections"
    parts = {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}
    assert all(part.schema == pl.Schema(LENDING_CLUB_REJECTIONS) for part in parts.values())
    assert parts["2007-05-01"]["line_number"].to_list() == [2, 4]


def test_lines_are_accounted_for(tmp_path: Path) -> None:
    lines = [HEADER, _row("2007-05-26"), "", _row("26-May"), _row("2007-04-30"), "1,2", HEADER]
    path = write(tmp_path / "a.csv", lines)
    assert _stage(tmp_path / "d", path).quarantined == 2
    (row,) = by_file(read_accounting(Paths(tmp_path / "d"), [raw_file(path).sha256]))
    assert (row["unexplained"], row["staged"]) == (0, 1)
    assert row["quarantined"] == {"mangled_date": 1, "too_few_fields": 1}
    assert row["notes"] == {"header": 1, "blank": 1, "before_first_month": 1, "repeated_header": 1}


def test_dirty_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [HEADER, _row("2007-05-26"), _row("2007-05-27", "much")])
    with pytest.raises(RefusedFile, match=r"1 of its 2 rows .*unreadable_number 1"):
        _stage(tmp_path / "d", path, lenient=False)


def test_files_may_share_a_day_but_not_more(tmp_path: Path) -> None:
    one = write(tmp_path / "a.csv", [HEADER, _row("2007-05-26"), _row("2007-06-02")])
    two = write(tmp_path / "b.csv", [HEADER, _row("2007-06-02"), _row("2007-07-02")])
    assert _stage(tmp_path / "d", one, two).rows == 4
    three = write(tmp_path / "c.csv", [HEADER, _row("2007-06-01"), _row("2007-06-30")])
    with pytest.raises(RefusedFile, match=r"c.csv and .*a.csv both contain applications"):
        _stage(tmp_path / "d", one, three)
