"""Odd values of loan files, staged as a run does it."""

from pathlib import Path

import pytest

from financial_pipeline_tests.loan_text import loan, loan_file
from financial_pipeline_tests.staging.loan_stage import LoanStage


@pytest.mark.parametrize("word", ["NaN", "nan"])
def test_nan_of_a_number_is_missing_and_so_is_the_word_elsewhere(tmp_path: Path, word: str) -> None:
    stage = LoanStage(tmp_path / "data")
    stage.stage(loan_file(tmp_path / "a.csv", [loan(1), loan(2, dti=word, title=word)]))
    rows = stage.table("lending_club_loans").sort("loan_id").select("loan_id", "dti", "title")
    assert rows.rows() == [("1001", 5.91, "Debt consolidation"), ("1002", None, None)]
    assert stage.table("quarantine").is_empty()
