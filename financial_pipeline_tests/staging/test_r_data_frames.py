"""Data frames of R, written with `write.csv`, are read without mending: the road of the docs."""

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from financial_pipeline.sources.month_text import LONG_NAMES
from financial_pipeline_tests.loan_text import SOUND, loan
from financial_pipeline_tests.staging.loan_stage import LoanStage

# As the R package LendingClubData types them: rates are fractions, months are dates.
FRACTIONS: Final = ("int_rate", "revol_util")
MONTHS: Final = ("issue_d", "earliest_cr_line", "last_pymnt_d", "last_credit_pull_d")
COLUMNS: Final = ("id", "member_id", *SOUND, "next_pymnt_d", "issue_year")


def iso(text: str) -> str:
    name, year = text.split("-")
    month = next(n for n, full in enumerate(LONG_NAMES, 1) if full.startswith(name.lower()))
    return f"{year}-{month:02}-01"


def field(row: dict[str, str], name: str) -> str:
    """One value as `write.csv` writes it: NA for none, text in quotes."""
    text = row.get(name, "")
    if not text:
        return "NA"
    if name in FRACTIONS:
        return f"{float(text) / 100:.15g}"
    if name in MONTHS:
        return iso(text)
    return text.strip().removesuffix(" months") if name == "term" else f'"{text}"'


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write like `write.csv(frame, path)`: a header in quotes, and a column of row numbers."""
    lines = [",".join(['""', *(f'"{name}"' for name in COLUMNS)])]
    for number, row in enumerate(rows, start=1):
        full = {**row, "issue_year": "2015"}
        lines.append(",".join([f'"{number}"', *(field(full, name) for name in COLUMNS)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("has_ids", [True, False])
def test_data_frame_is_staged_as_the_original(tmp_path: Path, has_ids: bool) -> None:
    rows = [loan(n, **({} if has_ids else {"id": ""})) for n in range(30)]
    stage = LoanStage(tmp_path / "data")
    assert stage.stage(write_csv(tmp_path / "loans.csv", rows)).quarantined == 0
    loans = stage.table("lending_club_loans").sort("line_number")
    assert loans.height == 30
    assert loans["id"].null_count() == (0 if has_ids else 30)
    first = loans.row(0, named=True)
    assert (first["int_rate"], first["revol_util"], first["dti"]) == (0.1399, 29.7, 5.91)
    assert (first["term"], first["emp_length"], first["next_pymnt_d"]) == (36, 10, None)
    assert (first["issue_d"], first["snapshot_month"]) == (date(2015, 12, 1), date(2019, 3, 1))
    (file,) = stage.files
    assert file.landed.remarks[0] == "ignored: 'issue_year'"
