"""Loan files that are read, or not, because of what the whole of them says: doubts are warnings."""

from pathlib import Path

import pytest

from financial_pipeline.errors import RefusedFile
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.staging import accounting, loan_dialect
from financial_pipeline_tests.loan_text import header, line, loan, loan_file, write
from financial_pipeline_tests.staging.loan_stage import LoanStage


@pytest.mark.parametrize(
    "changes",
    [
        # Columns that are swapped, and the status of another loan.
        {"total_rec_prncp": "821.72", "total_rec_int": "3600.0"},
        {"loan_status": "fully paid", "total_rec_prncp": "1000.0", "total_pymnt": "1821.72"},
    ],
)
def test_paid_loans_without_their_principal_are_said(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    stage = LoanStage(tmp_path / "data")
    rows = [loan(n, **({} if n % 20 else changes)) for n in range(40)]
    (warning,) = stage.stage(loan_file(tmp_path / "a.csv", rows)).warnings
    assert warning.startswith(
        "a.csv: 5.0% of its fully paid loans did not pay back their principal"
    )
    few = [loan(n, **({} if n else changes)) for n in range(200)]
    assert stage.stage(loan_file(tmp_path / "b.csv", few)).warnings == ()


def test_charged_off_loans_that_owe_principal_are_said(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    lost = {"loan_status": "Charged Off", "total_rec_prncp": "1600.0", "total_pymnt": "2421.72"}
    rows = [loan(n, **lost, out_prncp="0.0" if n % 20 else "2000.0") for n in range(40)]
    (warning,) = stage.stage(loan_file(tmp_path / "a.csv", rows)).warnings
    assert warning.startswith("a.csv: 5.0% of its charged-off loans still owe principal")
    # A default is not written down yet, and a live loan owes.
    other = [rows[0] | {"loan_status": status} for status in ("Default", "Late (31-120 days)")]
    few = [
        *rows[1:20],
        *(row | {"id": str(n), "revol_bal": str(2500 + n)} for n, row in enumerate(other)),
    ]
    assert stage.stage(loan_file(tmp_path / "b.csv", few)).warnings == ()


def test_a_file_of_resolved_loans_only_is_said(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data")
    # The terms end in December 2020, the snapshot is of March 2019.
    young = [loan(n, term=" 60 months", installment="83.75") for n in range(100)]
    (warning,) = stage.stage(loan_file(tmp_path / "a.csv", young)).warnings
    assert "none of its 100 loans whose term has not passed is live" in warning
    live = loan(100, term=" 60 months", installment="83.75", loan_status="Current")
    assert stage.stage(loan_file(tmp_path / "b.csv", [*young, live])).warnings == ()
    assert stage.stage(loan_file(tmp_path / "c.csv", young[1:])).warnings == ()


@pytest.mark.parametrize(
    ("column", "value", "stored"), [("il_util", "0.7", 70.0), ("revol_util", "0.4", None)]
)
def test_units_of_a_long_file_are_those_of_all_its_loans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, value: str, stored: float | None
) -> None:
    # The first loans have no value of the one, and per cent of the other.
    monkeypatch.setattr(loan_dialect, "SURVEYED_ROWS", 30)
    stage = LoanStage(tmp_path / "data")
    rows = [loan(n, **({column: value} if n >= 30 else {})) for n in range(90)]
    path = loan_file(tmp_path / "a.csv", rows)
    if stored is None:
        with pytest.raises(RefusedFile, match=f"{column} has a median of .* values up to 1"):
            stage.stage(path)
    else:
        stage.stage(path)
        assert {*stage.table("lending_club_loans")[column].drop_nulls()} == {stored}


def test_a_second_header_is_a_note_only_if_its_columns_are_the_same(tmp_path: Path) -> None:
    same = header().replace(",open_act_il", ",open_il_6m").upper()
    swapped = [*LOAN_COLUMNS]
    first, second = LOAN_COLUMNS.index("delinq_2yrs"), LOAN_COLUMNS.index("inq_last_6mths")
    swapped[first], swapped[second] = swapped[second], swapped[first]
    rows = [line(loan(number)) for number in range(200)]
    stage = LoanStage(tmp_path / "data")
    stage.stage(write(tmp_path / "a.csv", [header(), *rows[:9], same, rows[9]]))
    (row,) = stage.accounting()
    assert (row["staged"], row["notes"]) == (10, {"header": 1, "repeated_header": 1})
    joined = [header(), *rows, header(swapped), line(loan(900), swapped)]
    with pytest.raises(RefusedFile, match="below its rows is another header"):
        stage.stage(write(tmp_path / "b.csv", joined))


def test_a_file_that_ends_where_a_sheet_ends_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting, "SHEET_ROWS", (4,))
    stage = LoanStage(tmp_path / "data")
    rows = [loan(n, desc="two\nlines") for n in range(4)]
    (warning,) = stage.stage(loan_file(tmp_path / "a.csv", rows[:3])).warnings
    assert warning.startswith("a.csv: it has exactly 4 rows, as many as a spreadsheet keeps")
    assert stage.stage(loan_file(tmp_path / "b.csv", rows)).warnings == ()
