"""Days as spreadsheets and web pages write them are read where the column leaves no doubt."""

from datetime import date

import polars as pl
import pytest

from financial_pipeline.sources.day_text import in_iso_form, with_date_name

MONTHS = [date(2018 + n // 12, n % 12 + 1, 1) for n in range(14)]


def read(*texts: str) -> list[str]:
    return in_iso_form(pl.Series("date", texts, pl.String())).to_list()


@pytest.mark.parametrize(
    "text",
    [
        "20180115",
        "2018/1/15",
        "2018.01.15",
        "1/15/2018",
        "15/01/2018",
        "15.01.2018",
        "01-15-2018",
        "15-Jan-2018",
        "15 January 2018",
        "Jan 15, 2018",
        "1/15/2018 16:00:00",
        "1/15/2018 0:00",
        "2018/01/15 12:00:00 AM",
    ],
)
def test_day_of_a_sheet_is_read(text: str) -> None:
    assert read(text) == ["2018-01-15"]


@pytest.mark.parametrize(
    "text",
    [
        "1/2/2018",
        "1/15/18",
        "15-Jan-18",
        "13/13/2018",
        "20181301",
        "201801",
        "1-15/2018",
        "1/15/2018 23:00",
        "30 Feb 2018",
        "43115",
        "Total",
        "",
    ],
)
def test_doubtful_or_impossible_day_stays_as_it_is(text: str) -> None:
    assert read(text) == [text]


def test_order_of_month_and_day_is_that_of_the_column() -> None:
    assert read("1/2/2018", "1/15/2018") == ["2018-01-02", "2018-01-15"]
    assert read("1/2/2018", "15/1/2018") == ["2018-02-01", "2018-01-15"]
    assert read("1/2/2018", "15/1/2018", "1/15/2018") == ["1/2/2018", "15/1/2018", "1/15/2018"]


def test_first_days_of_many_months_show_their_order() -> None:
    days = [f"{day}" for day in MONTHS]
    assert read(*(f"{day.month}/1/{day.year}" for day in MONTHS)) == days
    assert read(*(f"1/{day.month}/{day.year}" for day in MONTHS)) == days
    few = [f"{day.month}/1/{day.year}" for day in MONTHS[:12]]
    assert read(*few) == few


def test_another_form_among_iso_dates_is_an_error() -> None:
    assert read("2018-01-12", "1/15/2018") == ["2018-01-12", "1/15/2018"]


@pytest.mark.parametrize(
    ("header", "below", "named"),
    [
        (["", "UNRATE"], ["2018-01-01", "4.1"], ["date", "UNRATE"]),
        (["Unnamed: 0", "UNRATE"], ["2018-01-01", "4.1"], ["date", "UNRATE"]),
        (["", "UNRATE"], ["0", "4.1"], ["", "UNRATE"]),
        (["", "DATE", "UNRATE"], ["2018-01-01", "2018-01-01", "4.1"], ["", "DATE", "UNRATE"]),
        (["x", "UNRATE"], ["2018-01-01", "4.1"], ["x", "UNRATE"]),
        ([], [], []),
    ],
)
def test_column_of_days_without_a_name_is_the_date(
    header: list[str], below: list[str], named: list[str]
) -> None:
    assert with_date_name(header, below, ("date",)) == named
