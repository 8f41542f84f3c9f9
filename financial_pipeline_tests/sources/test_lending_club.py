"""Loan files are detected from their header, dated by their content, and refused with a reason."""

from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources import lending_club
from financial_pipeline.sources.lending_club import describe, footer_total
from financial_pipeline_tests.loan_text import SOUND, header, line, loan, loan_file, write

NOTE = "Notes offered by Prospectus (https://www.lendingclub.com/info/prospectus.action)"


def test_snapshot_month_is_the_last_payment_or_credit_pull(tmp_path: Path) -> None:
    rows = [loan(1, last_credit_pull_d="Mar-2019"), loan(2, issue_d="Jun-2007")]
    landed = describe(loan_file(tmp_path / "any_name.txt", rows))
    assert (landed.form, landed.rows_seen) == ("accepted-151", 2)
    assert landed.snapshot_date == date(2019, 3, 1)
    assert (landed.first_date, landed.last_date) == (date(2007, 6, 1), date(2015, 12, 1))


def test_layouts_are_told_by_note_line_width_and_ids(tmp_path: Path) -> None:
    named = ["id", *SOUND]
    row = loan(1)
    plain = write(tmp_path / "a.csv", [header(named), line(row, named)])
    noted = write(tmp_path / "b.csv", [NOTE, header(named), line({**row, "id": ""}, named)])
    assert describe(plain).form == f"loan-{len(named)}"
    assert describe(noted).form == f"loanstats-{len(named)}-without-ids"


def test_footer_in_the_id_column_is_no_id(tmp_path: Path) -> None:
    footer = {"id": "Total amount funded in policy code 1: 3600"}
    landed = describe(loan_file(tmp_path / "a.csv", [loan(1, id=""), footer]))
    assert (landed.form, landed.rows_seen) == ("accepted-151-without-ids", 1)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_wrong_delimiter_is_told(tmp_path: Path, delimiter: str) -> None:
    lines = [text.replace(",", delimiter) for text in (header(), line(loan(1)))]
    assert lending_club.matches(lines)
    with pytest.raises(PipelineError, match="not comma-separated"):
        describe(write(tmp_path / "a.csv", lines))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"issue_d": "18-Dec"}, "no readable issue date .*'18-Dec'.*original file"),
        ({"last_pymnt_d": "3-Aug", "last_credit_pull_d": ""}, "snapshot month is unknown"),
        ({"issue_d": "Apr-2019"}, "ends .* in 2019-03 but contains 1 loans issued later"),
    ],
)
def test_undatable_file_is_refused(tmp_path: Path, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(PipelineError, match=sentence):
        describe(loan_file(tmp_path / "a.csv", [loan(1, **changes)]))


def test_header_without_loans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="no loans"):
        describe(loan_file(tmp_path / "a.csv", []))


def test_survey_of_a_broken_file_reads_the_records_that_are_whole(tmp_path: Path) -> None:
    lines = [header(), line(loan(1)), line(loan(2)) + ',one,"too many', line(loan(3))]
    landed = describe(write(tmp_path / "a.csv", lines))
    assert (landed.rows_seen, landed.snapshot_date) == (2, date(2019, 3, 1))


@pytest.mark.parametrize(
    ("text", "dollars"),
    [
        ("Total amount funded in policy code 1: 460296150", 460_296_150),
        ("Total amount funded in policy code 1: 471701350,,,,", 471_701_350),
        ("Total amount funded in policy code 2: 0", 0),
        ("Loans that do not meet the credit policy", None),
    ],
)
def test_footer_total_reads_the_dollars(text: str, dollars: float | None) -> None:
    assert footer_total(text) == dollars
