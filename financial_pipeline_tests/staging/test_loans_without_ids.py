"""Loans without ids that one file or several state in more than one way."""

from pathlib import Path

from financial_pipeline_tests.loan_text import loan, loan_file
from financial_pipeline_tests.staging.loan_stage import LoanStage


def test_rows_without_ids_that_differ_by_nulls_count_once(tmp_path: Path) -> None:
    rows = [loan(number, id="", title="a") for number in range(3)]
    poorer = [row | {"last_credit_pull_d": "", "title": ""} for row in rows[:2]]
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", [*poorer, *rows, rows[0] | {"title": "b"}]))
    assert sorted(stage.table("lending_club_loans")["line_number"]) == [2, 4, 5, 6, 7]
    assert stage.table("quarantine").select("line_number", "reason").rows() == [(3, "duplicate")]
