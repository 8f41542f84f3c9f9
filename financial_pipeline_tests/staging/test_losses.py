"""The report about staging at the end of a run."""

from pathlib import Path

from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.sources.landing import detect
from financial_pipeline.staging import losses
from financial_pipeline_tests.loan_text import loan, loan_file
from financial_pipeline_tests.staging.loan_stage import LoanStage

FRACTIONS = "loans.csv: revol_util was read as fractions."


def test_remarks_of_each_table_last_until_it_is_staged_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert losses.remarks(paths) == []
    losses.note_remarks(paths, "lending_club_loans", [FRACTIONS, "b"])
    losses.note_remarks(paths, "bank_prices", ["a"])
    assert losses.remarks(paths) == ["a", FRACTIONS, "b"]
    losses.note_remarks(paths, "lending_club_loans", [])
    assert losses.remarks(paths) == ["a"]


def test_damaged_remarks_stop_no_run(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    losses.note_remarks(paths, "bank_prices", ["a"])
    (paths.staging("remarks") / "bank_prices.json").write_text('{"remar')
    assert losses.remarks(paths) == []


def test_lines_before_the_first_month_are_counted_by_file(tmp_path: Path) -> None:
    early = {"issue_d": "May-2007", "earliest_cr_line": "Jan-1999"}
    source = loan_file(tmp_path / "a.csv", [loan(1), loan(2, **early), loan(3, **early)])
    stage = LoanStage(tmp_path / "data")
    archive.archive(stage.paths, [detect(source)])
    stage.stage(source)
    assert losses.lost_lines(stage.paths) == ["a.csv: lines left out: 2 (before_first_month 2)"]
