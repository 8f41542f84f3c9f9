"""Rejections: detected from their header, and slashed dates only if the file proves their order."""

from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.sources.landing import detect
from financial_pipeline.sources.rejections import describe, find_layout, matches, scan
from financial_pipeline_tests.loan_text import write

HEADER = ",".join(REJECTION_COLUMNS)


def _row(day: str) -> str:
    return f"1000.0,{day},Wedding,693.0,10%,481xx,NM,4 years,0.0"


def _file(path: Path, *days: str) -> Path:
    return write(path / "any.txt", [HEADER, *(_row(day) for day in days)])


def test_iso_dates_span_the_file(tmp_path: Path) -> None:
    landed = describe(_file(tmp_path, "2007-05-27", "2007-05-26"))
    assert (landed.form, landed.rows_seen) == ("rejections-iso", 2)
    assert (landed.first_date, landed.last_date) == (date(2007, 5, 26), date(2007, 5, 27))


def test_slashed_dates_count_where_a_day_above_twelve_proves_the_order(tmp_path: Path) -> None:
    landed = describe(_file(tmp_path, "5/6/2007", "5/26/2007"))
    assert landed.form == "rejections-month-first"
    assert landed.first_date == date(2007, 5, 6)


@pytest.mark.parametrize(
    "days", [("5/6/2007", "7/8/2007"), ("26/5/2007",), ("26/5/2007", "5/26/2007")]
)
def test_slashed_dates_without_proof_are_refused(tmp_path: Path, days: tuple[str, ...]) -> None:
    with pytest.raises(PipelineError, match="nothing in the file proves"):
        describe(_file(tmp_path, *days))


@pytest.mark.parametrize(
    "day",
    [
        "2007/05/26",
        "20070526",
        "26-May-2007",
        "May 26, 2007",
        "5/26/2007 0:00",
        "2007-05-26 00:00:00 UTC",
        "2007-05-26T00:00:00-04:00",
    ],
)
def test_other_unambiguous_dates_are_read(tmp_path: Path, day: str) -> None:
    path = write(tmp_path / "a.csv", [HEADER, _row(day).replace("May 26, 2007", '"May 26, 2007"')])
    assert describe(path).first_date == date(2007, 5, 26)


@pytest.mark.parametrize("day", ["01-Jan-09", "1 Jan 09", "01Jan9", "01-Jan-02009"])
def test_year_of_other_than_four_digits_is_no_year(tmp_path: Path, day: str) -> None:
    path = _file(tmp_path, "2007-05-26", day)
    dates = scan(path, find_layout(path)).collect()["Application Date"].to_list()
    assert dates == ["2007-05-26", day]


def test_names_and_rows_as_other_tools_write_them_are_read(tmp_path: Path) -> None:
    head = HEADER.replace(" ", "").replace("-", "").replace("_", "").replace("DebtToIncome", "x")
    path = write(tmp_path / "a.csv", [head, _row("2007-05-26") + ","])
    row = scan(path, find_layout(path)).collect().row(0, named=True)
    assert (row["Employment Length"], row["Debt-To-Income Ratio"]) == ("4 years", None)


def test_a_required_column_that_is_absent_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [HEADER.removeprefix("Amount Requested,"), "2007-05-26"])
    with pytest.raises(PipelineError, match="at least Amount Requested and Application Date"):
        detect(path)


def test_old_listing_of_issued_loans_is_no_file_of_rejections(tmp_path: Path) -> None:
    head = "Loan ID,Amount Requested,Amount Funded By Investors,Interest Rate,Application Date,"
    path = write(tmp_path / "a.csv", [head + "Debt-To-Income Ratio", "1,9,9,1%,2008-01-02,5%"])
    with pytest.raises(PipelineError, match="an old listing of issued loans"):
        describe(path)


def test_file_without_readable_date_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"no readable application date .*May 26"):
        describe(_file(tmp_path, "May 26"))


def test_other_delimiter_and_repeated_column_list_what_was_expected(tmp_path: Path) -> None:
    for text in (HEADER.replace(",", ";"), HEADER + ",STATE"):
        assert matches([text])
        with pytest.raises(PipelineError, match="expected, separated by commas: Amount Requested"):
            describe(write(tmp_path / "a.csv", [text, _row("2007-05-26")]))
