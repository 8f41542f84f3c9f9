"""Values of a loan that only one of several files of a snapshot has."""

from pathlib import Path

from financial_pipeline.staging.loan_restatements import ledger
from financial_pipeline_tests.loan_text import loan, loan_file
from financial_pipeline_tests.staging.loan_stage import LoanStage

OLD = {"emp_title": "Cook", "annual_inc": "50000", "next_pymnt_d": "Apr-2019"}


def test_correction_keeps_values_that_it_lacks(tmp_path: Path) -> None:
    older = loan_file(tmp_path / "a.csv", [loan(1, **OLD), loan(2)])
    newer = loan(1, emp_title="", emp_length="", annual_inc="51000", dti="", title="")
    stage = LoanStage(tmp_path / "data")
    stage.stage(older, loan_file(tmp_path / "b.csv", [newer, loan(2, title="", url="u")]))
    rows = stage.table("lending_club_loans").sort("loan_id")
    columns = ("loan_id", "emp_title", "annual_inc", "dti", "emp_length_missing", "next_pymnt_d")
    assert rows.select(columns).rows()[0] == ("1001", "Cook", 51_000.0, 5.91, False, None)
    assert rows.select("title", "url").rows() == [
        ("Debt consolidation", None),
        ("Debt consolidation", "u"),
    ]
    assert [row[:1] for row in ledger(stage.paths).select("field").rows()] == [("annual_inc",)]
    assert stage.table("lending_club_loan_snapshots").height == 2


def test_values_of_a_withdrawn_file_are_gone(tmp_path: Path) -> None:
    older = loan_file(tmp_path / "a.csv", [loan(1, **OLD)])
    newer = loan_file(tmp_path / "b.csv", [loan(1, emp_title="", annual_inc="51000")])
    stage = LoanStage(tmp_path / "data")
    stage.stage(older, newer)
    assert stage.table("lending_club_loans")["emp_title"].to_list() == ["Cook"]
    stage.stage(newer)
    assert stage.table("lending_club_loans")["emp_title"].to_list() == [None]
