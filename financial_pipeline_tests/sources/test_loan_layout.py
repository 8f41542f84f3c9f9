"""Headers of loan files: what does not matter is tolerated, and a refusal names what is needed."""

from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.sources.landing import detect
from financial_pipeline.sources.lending_club import describe
from financial_pipeline.sources.loan_layout import REQUIRED_COLUMNS, find_layout
from financial_pipeline_tests.loan_text import header, line, loan, write
from financial_pipeline_tests.staging.loan_stage import LoanStage

LOANS = [loan(1), loan(2), loan(3)]


def copy(path: Path, head: str, rows: list[str]) -> Path:
    return write(path / "a.csv", [head, *rows])


def staged(path: Path, source: Path) -> LoanStage:
    stage = LoanStage(path / "data")
    stage.stage(source)
    return stage


def test_older_names_are_read_as_todays(tmp_path: Path) -> None:
    head = header().replace("open_act_il", "open_il_6m", 1)
    head = head.replace("verification_status_joint", "verified_status_joint")
    source = copy(tmp_path, head, [line({**row, "open_act_il": "4.0"}) for row in LOANS])
    assert describe(source).form == "accepted-151"
    assert "open_il_6m is read as open_act_il" in describe(source).remarks
    assert staged(tmp_path, source).table("lending_club_loans")["open_act_il"].to_list() == [4] * 3


@pytest.mark.parametrize(
    ("head", "rows"),
    [
        (header().upper(), [line(row) for row in LOANS]),
        (header().replace("_", "."), [line(row) for row in LOANS]),
        (
            header().replace("_", " "),
            [line(row).replace("36 months", "36 MONTHS") for row in LOANS],
        ),
        (header() + ",", [line(row) + "," for row in LOANS]),
        (header(), [line(row) + "," for row in LOANS]),
        (header(), [f"{n},{line(row)}" for n, row in enumerate(LOANS, start=1)]),
        ("index," + header(), [f"{n},{line(row)}" for n, row in enumerate(LOANS)]),
        (header().replace("_", "").title(), [line(row) for row in LOANS]),
        ("loans." + header().replace(",", ",loans."), [line(row) for row in LOANS]),
        (header() + ",default,issue_year", [line(row) + ",0,2015" for row in LOANS]),
        (header() + ',"my, notes"', [line(row) + ',"a, b"' for row in LOANS]),
        (header() + ",row,reason,loan_id", [line(row) + ",1,x,y" for row in LOANS]),
    ],
    ids=[
        "upper",
        "dots",
        "blanks",
        "commas",
        "row_commas",
        "rows",
        "index",
        "camel",
        "hive",
        "added",
        "quoted",
        "reserved",
    ],
)
def test_harmless_differences_change_no_loan(tmp_path: Path, head: str, rows: list[str]) -> None:
    stage = staged(tmp_path, copy(tmp_path, head, rows))
    assert stage.loan_ids() == ["1001", "1002", "1003"]
    loans = stage.table("lending_club_loans").sort("loan_id")
    assert loans["revol_bal"].to_list() == [2001, 2002, 2003]
    assert stage.accounting()[0]["unexplained"] == 0


def test_ignored_and_absent_columns_are_remarks(tmp_path: Path) -> None:
    columns = [name for name in LOAN_COLUMNS if name != "last_credit_pull_d"]
    rows = [line({**row, "last_pymnt_d": "Feb-2019"}, columns) + ",1" for row in LOANS]
    landed = detect(copy(tmp_path, header(columns) + ",default", rows))
    assert landed.remarks == ("ignored: 'default'", "absent and null: 'last_credit_pull_d'")
    assert (landed.form, landed.snapshot_date) == ("loan-150", date(2019, 2, 1))


def test_refusal_names_only_the_columns_that_are_needed(tmp_path: Path) -> None:
    columns = [name for name in LOAN_COLUMNS if name not in ("recoveries", "desc", "dti")]
    with pytest.raises(PipelineError, match="missing: 'recoveries'; export"):
        describe(copy(tmp_path, header(columns), [line(loan(1), columns)]))
    assert "dti" not in REQUIRED_COLUMNS
    for name in ("term", "loan_amnt"):
        without = [each for each in LOAN_COLUMNS if each != name]
        with pytest.raises(PipelineError, match=f"missing: '{name}'; export"):
            detect(copy(tmp_path, header(without), [line(loan(1), without)]))


def test_file_without_ids_needs_the_columns_of_the_fingerprint(tmp_path: Path) -> None:
    columns = [name for name in LOAN_COLUMNS if name not in ("id", "zip_code")]
    with pytest.raises(PipelineError, match="missing: 'zip_code'; export"):
        find_layout(copy(tmp_path, header(columns), [line(loan(1), columns)]))


def test_older_name_next_to_todays_is_ignored(tmp_path: Path) -> None:
    source = copy(tmp_path, header() + ",open_il_6m", [line(row) + ",9" for row in LOANS])
    assert find_layout(source).ignored == ("open_il_6m",)
