"""Missing values, months and numbers of loan files as R, SQL tools and spreadsheets write them."""

from datetime import date
from pathlib import Path

import pytest

from financial_pipeline.sources.month_text import other_forms
from financial_pipeline_tests.loan_text import header, line, loan, write
from financial_pipeline_tests.staging.loan_stage import LoanStage

MONTHS = [
    "2015-12-01",
    "2015-12",
    "2015/12/01",
    "20151201",
    "201512",
    "2015-12-01 00:00:00",
    "2015-12-01T00:00:00.000Z",
    "DEC-2015",
    "dec-2015",
    " Dec-2015 ",
    "Dec 2015",
    "December 2015",
    "01-Dec-2015",
    "01DEC2015",
    "12/2015",
    "Dec 1, 2015",
    "2015-Dec",
    "Dec_2015",
    "2015m12",
    "01DEC2015:00:00:00",
    "2015-12-01T06:00:00Z",
]


@pytest.mark.parametrize("text", MONTHS)
def test_unambiguous_month_is_read(text: str) -> None:
    assert other_forms([text]) == {text: "Dec-2015"}


@pytest.mark.parametrize(
    "text",
    [
        "18-Dec",
        "Dec-15",
        "1/12/2015",
        "2015-13-01",
        "42339",
        "Ju-2015",
        # The first of December in Europe.
        "2015-11-30T23:00:00Z",
    ],
)
def test_ambiguous_or_impossible_month_is_not_read(text: str) -> None:
    assert other_forms([text, None, ""]) == {}


@pytest.mark.parametrize(
    ("texts", "months"),
    [
        (["12/31/2015", "1/2/2016"], ["Dec-2015", "Jan-2016"]),
        (["31/12/2015", "1/2/2016"], ["Dec-2015", "Feb-2016"]),
        (["12/1/2015", "2/1/2016"], ["Dec-2015", "Feb-2016"]),
        (["1/12/2015", "1/2/2016"], ["Dec-2015", "Feb-2016"]),
    ],
)
def test_order_of_slashed_dates_is_decided_by_the_column(
    texts: list[str], months: list[str]
) -> None:
    assert [other_forms(texts)[text] for text in texts] == months


def test_order_of_dates_that_a_column_does_not_prove_is_that_of_the_file() -> None:
    american, swapped = ["2/1/2018", "3/1/2018"], [f"2015-01-{n:02d}" for n in range(1, 13)]
    assert other_forms(["12/1/2018"]) == {}
    assert other_forms(["12/1/2018"], american) == {"12/1/2018": "Dec-2018"}
    assert other_forms(["12/1/2018"], ["31/1/2018"]) == {"12/1/2018": "Jan-2018"}
    assert other_forms(["12/1/2018"], ["31/1/2018", "1/31/2018"]) == {}
    assert other_forms(["2018-01-10"], swapped) == {"2018-01-10": "Oct-2018"}
    assert other_forms(["2018-01-10"], [*swapped, "2018-02-01"]) == {"2018-01-10": "Jan-2018"}


@pytest.mark.parametrize(
    ("texts", "file", "months"),
    [
        (["Dec-15", "Nov-14"], ["Jan-85"], ["Dec-2015", "Nov-2014"]),
        (["18-Dec", "9-Jan"], ["Jan-85"], ["Dec-2018", "Jan-2009"]),
        (["Jan-85", "18-Dec", "Jan-00"], [], ["Jan-1985", "Dec-2018", "Jan-2000"]),
        # First days as Oracle writes them, and other days.
        (["01-DEC-15", "01-JAN-85"], [], ["Dec-2015", "Jan-1985"]),
        (["01-DEC-15"], ["01-JAN-85"], ["Dec-2015"]),
        (["01-DEC-15"], ["02-JAN-85"], None),
        (["01-DEC-15"], [], None),
        # No number that must be a year, a day of the month, and years of four digits.
        (["Dec-15", "31-Jan"], ["Jan-2003"], None),
        (["1-Dec", "1-Jan"], ["Jan-85"], None),
        (["Dec-15", "Nov-2014"], ["Jan-85"], None),
    ],
)
def test_two_digits_are_a_year_if_the_file_proves_it(
    texts: list[str], file: list[str], months: list[str] | None
) -> None:
    found = other_forms(texts, file)
    assert [found.get(text) for text in texts] == (months or [None] * len(texts))


def test_a_file_that_a_spreadsheet_saved_twice_is_read(tmp_path: Path) -> None:
    dates = {"issue_d": "15-Dec", "last_pymnt_d": "19-Jan", "last_credit_pull_d": "19-Mar"}
    rows = [loan(n, **dates, earliest_cr_line="Aug-83" if n else "3-Aug") for n in range(3)]
    stage = LoanStage(tmp_path / "data")
    stage.stage(write(tmp_path / "a.csv", [header(), *map(line, rows)]))
    found = stage.table("lending_club_loans")
    assert {*found["issue_d"]} == {date(2015, 12, 1)}
    assert found["earliest_cr_line"].max() == date(2003, 8, 1)


def test_a_month_of_loans_is_dated_by_the_other_columns_of_its_file(tmp_path: Path) -> None:
    dates = {"issue_d": "12/1/2015", "last_pymnt_d": "1/1/2019", "last_credit_pull_d": "3/1/2019"}
    rows = [loan(n, **dates, earliest_cr_line=f"{n}/1/2003") for n in (1, 2)]
    loans = staged(tmp_path, *rows).table("lending_club_loans").sort("loan_id")
    assert loans["issue_d"].to_list() == [date(2015, 12, 1)] * 2
    assert loans["earliest_cr_line"].to_list() == [date(2003, 1, 1), date(2003, 2, 1)]
    assert loans["snapshot_month"].to_list() == [date(2019, 3, 1)] * 2


def test_days_that_are_always_the_first_are_no_months() -> None:
    swapped = [f"2015-01-{month:02d}" for month in range(1, 13)]
    assert other_forms(swapped)["2015-01-12"] == "Dec-2015"
    # Too few to tell, and days of January.
    for texts in (swapped[:5], [*swapped, "2015-01-13"], [*swapped, "2015-02-01"]):
        assert other_forms(texts)["2015-01-02"] == "Jan-2015"


def staged(path: Path, *rows: dict[str, str]) -> LoanStage:
    stage = LoanStage(path / "data")
    stage.stage(write(path / "a.csv", [header(), *map(line, rows)]))
    return stage


@pytest.mark.parametrize(
    "word", ["NA", "NULL", "NaN", "n/a", "None", "\\N", "#N/A", " na ", "-", " "]
)
def test_words_for_missing_values_are_null(tmp_path: Path, word: str) -> None:
    absent = {"dti": word, "next_pymnt_d": word, "addr_state": word, "title": word}
    (row,) = staged(tmp_path, loan(1, **absent)).table("lending_club_loans").rows(named=True)
    assert [row[name] for name in absent] == [None] * 4
    assert row["emp_length"] == 10


def test_free_text_and_codes_keep_words_that_the_numbers_do_not_use(tmp_path: Path) -> None:
    rows = [loan(1, title="None", home_ownership="NONE"), loan(2, dti="NA")]
    loans = staged(tmp_path, *rows).table("lending_club_loans").sort("loan_id")
    assert loans.select("title", "home_ownership").row(0) == ("None", "NONE")


def test_iso_dates_give_the_same_loan(tmp_path: Path) -> None:
    dates = {"issue_d": "2015-12-01", "last_pymnt_d": "2019-01-01", "earliest_cr_line": "2003-08"}
    row = staged(tmp_path, loan(1, **dates, last_credit_pull_d="2019-03-01 00:00:00"))
    (found,) = row.table("lending_club_loans").rows(named=True)
    assert found["issue_d"] == date(2015, 12, 1)
    assert found["earliest_cr_line"] == date(2003, 8, 1)
    assert found["snapshot_month"] == date(2019, 3, 1)


@pytest.mark.parametrize(
    ("column", "texts", "values"),
    [
        ("annual_inc", ["$55,000", "$1,200.50"], [55_000.0, 1_200.5]),
        ("annual_inc", ["55,000", "70,000"], [55_000.0, 70_000.0]),
        ("annual_inc", ["55000,5", "70000,25"], [55_000.5, 70_000.25]),
        ("revol_bal", ["1,234", "12,345,678"], [1_234, 12_345_678]),
        ("revol_util", [" 10.65 %", "29.7%"], [10.65, 29.7]),
        ("dti", ["5,91", "17,2"], [5.91, 17.2]),
    ],
)
def test_number_format_is_decided_by_the_column(
    tmp_path: Path, column: str, texts: list[str], values: list[float]
) -> None:
    rows = [loan(number, **dict.fromkeys([column], text)) for number, text in enumerate(texts)]
    loans = staged(tmp_path, *rows).table("lending_club_loans").sort("loan_id")
    assert loans[column].to_list() == pytest.approx(values)


@pytest.mark.parametrize(
    "text",
    [
        "1001.00",
        '="1001"',
        "'1001",
        "1,001",
        "0001001",
        " 1001 ",
        "1 001",
        "1\xa0001",
        "1\u2019001",
    ],
)
def test_id_in_the_form_of_a_spreadsheet_is_the_same_id(tmp_path: Path, text: str) -> None:
    assert staged(tmp_path, loan(1, id=text), loan(2)).loan_ids() == ["1001", "1002"]


def test_employment_in_other_words_is_the_same_number_of_years(tmp_path: Path) -> None:
    words = ["<1 year", "0", "1 years", "5", "10+", "10.0", "less than 1 year", "n/a"]
    rows = [loan(number, emp_length=word) for number, word in enumerate(words)]
    loans = staged(tmp_path, *rows).table("lending_club_loans").sort("loan_id")
    assert loans["emp_length"].to_list() == [0, 0, 1, 5, 10, 10, 0, None]


def test_ambiguous_comma_of_a_ratio_breaks_a_rule(tmp_path: Path) -> None:
    stage = LoanStage(tmp_path / "data", lenient=True)
    rows = [line(loan(1, dti="10,650")), line(loan(2))]
    stage.stage(write(tmp_path / "a.csv", [header(), *rows]))
    assert stage.accounting()[0]["quarantined"] == {"unreadable_number": 1}


def test_codes_in_another_case_are_the_codes(tmp_path: Path) -> None:
    row = loan(1, home_ownership="Rent", purpose="Car", loan_status="fully paid", addr_state="NA")
    (found,) = staged(tmp_path, row).table("lending_club_loans").rows(named=True)
    assert (found["home_ownership"], found["purpose"]) == ("RENT", "car")
    assert (found["loan_status"], found["addr_state"]) == ("Fully Paid", None)


def test_older_words_of_verification_are_todays(tmp_path: Path) -> None:
    words = ("not verified", "VERIFIED - income", "VERIFIED - income source")
    rows = [loan(number, verification_status=word) for number, word in enumerate(words)]
    loans = staged(tmp_path, *rows).table("lending_club_loans").sort("loan_id")
    found = loans["verification_status"].to_list()
    assert found == ["Not Verified", "Verified", "Source Verified"]


def test_upper_case_status_outside_the_credit_policy_is_one(tmp_path: Path) -> None:
    text = "DOES NOT MEET THE CREDIT POLICY. STATUS:CHARGED OFF"
    (found,) = (
        staged(tmp_path, loan(1, loan_status=text)).table("lending_club_loans").rows(named=True)
    )
    assert (found["loan_status"], found["credit_policy_met"]) == ("Charged Off", False)
