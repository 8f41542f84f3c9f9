"""Ids name the same loans in every snapshot, and each loan has one id."""

from pathlib import Path

import pytest

from financial_pipeline.errors import RefusedFile
from financial_pipeline_tests.loan_text import loan, loan_file
from financial_pipeline_tests.staging.loan_stage import LoanStage

EARLIER = {"last_credit_pull_d": "Feb-2019", "last_pymnt_d": "Feb-2019", "loan_status": "Current"}


def snapshots(folder: Path, earlier: list[dict[str, str]], later: list[dict[str, str]]) -> Path:
    """Stage a file of February 2019 and one of March; return the data root."""
    stage = LoanStage(folder / "data")
    rows = [row | EARLIER for row in earlier]
    stage.stage(loan_file(folder / "old.csv", rows), loan_file(folder / "new.csv", later))
    return stage


@pytest.mark.parametrize("pull", ["Mar-2019", "Feb-2019"])
def test_ids_that_name_other_loans_refuse_the_file(tmp_path: Path, pull: str) -> None:
    one = loan_file(tmp_path / "a.csv", [loan(n) for n in range(5)])
    change = {"loan_amnt": "4000.0", "total_acc": "9", "last_credit_pull_d": pull}
    moved = [loan(n, last_pymnt_d="Jan-2019", **change) for n in range(5)]
    said = (
        r"5 of the 5 loans that it shares .* name other loans; .* withdraw \w{12}` leaves out a.csv"
    )
    with pytest.raises(RefusedFile, match=said):
        LoanStage(tmp_path / "data").stage(one, loan_file(tmp_path / "b.csv", moved))


def test_row_numbers_of_two_quarters_are_no_ids(tmp_path: Path) -> None:
    fourth = [loan(n, id=str(n)) for n in range(4)]
    first = [loan(n + 9, id=str(n), issue_d="Jan-2016", annual_inc="60000") for n in range(3)]
    with pytest.raises(RefusedFile, match=r"new.csv is refused: 3 of the 3 loans that it shares"):
        snapshots(tmp_path, fourth, first)


@pytest.mark.parametrize("pull", ["Mar-2019", "Feb-2019"])
def test_a_file_with_new_ids_for_the_same_loans_is_refused(tmp_path: Path, pull: str) -> None:
    # Most loans of the second file are no others, but some are those of the first.
    one = loan_file(tmp_path / "a.csv", [loan(n) for n in range(5)])
    numbered = [loan(n, id=str(n), last_credit_pull_d=pull) for n in range(3)]
    more = [loan(n, last_credit_pull_d=pull) for n in range(100, 120)]
    said = r"b.csv is refused: 3 of its 23 loans .* other ids.*` leaves out a.csv\)\.$"
    with pytest.raises(RefusedFile, match=said):
        LoanStage(tmp_path / "data").stage(one, loan_file(tmp_path / "b.csv", numbered + more))


def test_a_file_with_its_loans_twice_under_other_ids_is_refused(tmp_path: Path) -> None:
    rows = [loan(n) for n in range(5)]
    copies = [row | {"id": f"{n}"} for n, row in enumerate(rows[:2])]
    with pytest.raises(RefusedFile, match=r"4 of its 7 loans are in another file, or twice in"):
        LoanStage(tmp_path / "data").stage(loan_file(tmp_path / "a.csv", rows + copies))


def test_two_snapshots_in_one_file_without_ids_are_refused(tmp_path: Path) -> None:
    rows = [loan(n, id="") for n in range(5)]
    both = [*rows, *(row | EARLIER for row in rows[:3])]
    with pytest.raises(RefusedFile, match=r"3 of its 8 loans are in it before, equal at origin"):
        LoanStage(tmp_path / "data").stage(loan_file(tmp_path / "a.csv", both))


def test_snapshots_of_the_same_and_of_new_loans_are_read(tmp_path: Path) -> None:
    # Two pairs of borrowers that differ in their income or their revolving balance alone.
    rows = [loan(n) for n in range(5)] + [loan(4, id="77", annual_inc="54000.0")]
    stage = snapshots(tmp_path, rows, [*rows[1:], loan(9, issue_d="Jan-2016")])
    loans = stage.table("lending_club_loans")
    assert dict(loans.select("loan_id", "loan_status").iter_rows()) == {
        "1000": "Current",
        **dict.fromkeys(("1001", "1002", "1003", "1004", "1009", "77"), "Fully Paid"),
    }


def test_loans_without_ids_that_another_file_states_otherwise_are_counted(tmp_path: Path) -> None:
    rows = [loan(number, id="", zip_code=f"{number}00xx") for number in range(1, 6)]
    other = [*rows[:3], *(row | {"annual_inc": "56000"} for row in rows[3:])]
    expected = (
        "new.csv: 2 of its 5 loans agree with a loan of another file in issue month, term, amount,"
        " rate, installment, sub grade, zip code and first credit line, but not in all columns;"
        " without ids, such loans may count twice.",
    )
    stage = LoanStage(tmp_path / "data")
    for change in ({}, EARLIER):
        old = loan_file(tmp_path / "old.csv", [row | change for row in rows])
        assert stage.stage(old, loan_file(tmp_path / "new.csv", other)).warnings == expected
    assert stage.stage(old).warnings == ()


def test_two_loans_that_a_later_file_states_both_are_two(tmp_path: Path) -> None:
    rows = [loan(n, id="", zip_code=f"{n}00xx") for n in range(1, 4)]
    twins = [row | {"annual_inc": "56000"} for row in rows]
    old = loan_file(tmp_path / "old.csv", [row | EARLIER for row in rows])
    stage = LoanStage(tmp_path / "data")
    assert stage.stage(old, loan_file(tmp_path / "new.csv", rows + twins)).warnings == ()
    assert len(stage.loan_ids()) == 6
