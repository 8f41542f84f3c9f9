"""The cleaning rules of prices, one by one."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from financial_pipeline.transforms.bank_prices import clean
from financial_pipeline.transforms.price_rules import VALUES
from financial_pipeline.transforms.verdicts import Cleaned

FRIDAY, MONDAY = date(2004, 1, 2), date(2004, 1, 5)
SOUND = {
    "open": "10",
    "high": "12",
    "low": "9",
    "close": "11",
    "adjusted_close": "8",
    "volume": "100",
}


def record(day: date | None = FRIDAY, /, **texts: str | None) -> dict[str, Any]:
    row = dict.fromkeys(VALUES) | SOUND | texts
    return row | {"symbol": "JPM", "session_date": day, "date": str(day or texts.get("date"))}


def cleaned(
    *rows: dict[str, Any],
    adjusted_only: bool = False,
    sessions: Sequence[date] = (FRIDAY, MONDAY),
) -> Cleaned:
    frame = pl.DataFrame(
        [
            {"problem": None, "line_number": n, "physical_lines": 1, "original_text": "", **row}
            for n, row in enumerate(rows, start=2)
        ],
        schema_overrides={"session_date": pl.Date}
        | dict.fromkeys(("problem", "symbol", *VALUES), pl.String),
    )
    return clean(
        frame,
        adjusted_only=adjusted_only,
        sessions=sessions,
        first_session=date(2000, 1, 3),
    )


def reasons(result: Cleaned) -> dict[int, str]:
    return dict(result.quarantined.select("line_number", "reason").iter_rows())


def test_clean_types_a_sound_row() -> None:
    row = cleaned(record(dividend="0.25", split_ratio="0.1", volume="1,000")).rows.row(
        0, named=True
    )
    assert row == {
        "symbol": "JPM",
        "session_date": FRIDAY,
        "open": 10.0,
        "high": 12.0,
        "low": 9.0,
        "close": 11.0,
        "adjusted_close": 8.0,
        "volume": 1000,
        "dividend": 0.25,
        "split_ratio": 0.1,
        "line_number": 2,
    }


def test_clean_takes_the_ratio_of_a_day_without_split_as_one() -> None:
    assert cleaned(record(split_ratio="0.0")).rows["split_ratio"].to_list() == [1.0]
    assert cleaned(record()).rows["split_ratio"].to_list() == [None]


@pytest.mark.parametrize("field", ["open", "high", "low"])
@pytest.mark.parametrize("text", ["0.000000", "-1"])
def test_clean_blanks_a_price_of_the_range_that_is_not_positive(field: str, text: str) -> None:
    result = cleaned(record(**dict.fromkeys([field], text)))
    assert result.rows[field].to_list() == [None]
    assert result.rows["close"].to_list() == [11.0]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"close": "0.0"}, "non_positive_close"),
        ({"close": "-3"}, "non_positive_close"),
        ({"adjusted_close": "-0.1"}, "non_positive_close"),
        ({"close": ""}, "missing_close"),
        ({"close": "null"}, "missing_close"),
        ({"close": "abc"}, "unparsable_number"),
        ({"volume": "many"}, "unparsable_number"),
        ({"volume": "-1"}, "negative_volume"),
        ({"volume": "1.2e30"}, "implausible_volume"),
        ({"close": "1e9", "high": "1e9"}, "implausible_price"),
        ({"high": "1200"}, "implausible_range"),
        ({"adjusted_close": "11.1"}, "adjusted_above_close"),
        ({"dividend": "-0.1"}, "negative_dividend"),
        ({"split_ratio": "-2"}, "non_positive_split"),
        ({"low": "10.5"}, "inconsistent_range"),
        ({"high": "10.9"}, "inconsistent_range"),
        ({"low": "13", "high": "12", "open": "0"}, "inconsistent_range"),
        ({"problem": "wrong_field_count"}, "wrong_field_count"),
    ],
)
def test_clean_quarantines_a_broken_rule(texts: dict[str, str], reason: str) -> None:
    result = cleaned(record(**texts), record(MONDAY))
    assert reasons(result) == {2: reason}
    assert result.staged_lines == 1


def test_clean_tolerates_the_noise_of_rounding() -> None:
    assert reasons(cleaned(record(high="10.999999"))) == {}


def test_clean_quarantines_dates_that_are_none_or_no_session() -> None:
    saturday = record(FRIDAY + timedelta(days=1))
    unreadable = record(None, date="3-Aug")
    empty = record(None, **dict.fromkeys(VALUES, "")) | {"date": " "}
    assert reasons(cleaned(saturday, unreadable, empty, record())) == {
        2: "no_session",
        3: "unparsable_date",
        4: "empty_row",
    }


def test_clean_counts_rows_before_the_first_session_as_a_note() -> None:
    result = cleaned(record(date(1999, 12, 31), close="0"), record())
    assert result.notes == {"before_first_session": 1}
    assert reasons(result) == {}


def test_clean_keeps_the_first_of_identical_rows_and_none_of_conflicting_ones() -> None:
    identical = cleaned(record(), record(close="11.0"), record(MONDAY, volume="90"))
    assert reasons(identical) == {3: "duplicate"}
    conflicting = cleaned(record(), record(close="11.5"), record(), record(MONDAY))
    assert reasons(conflicting) == {2: "conflict", 3: "conflict", 4: "conflict"}
    assert conflicting.rows["session_date"].to_list() == [MONDAY]


def test_clean_does_not_let_a_broken_row_conflict_with_a_sound_one() -> None:
    result = cleaned(record(), record(close="0"))
    assert reasons(result) == {3: "non_positive_close"}


def test_clean_takes_only_the_adjusted_close_from_an_adjusted_file() -> None:
    result = cleaned(record(adjusted_close=None, open="0"), adjusted_only=True)
    row = result.rows.row(0, named=True)
    assert (row["adjusted_close"], row["volume"]) == (11.0, 100)
    assert [row[name] for name in ("open", "high", "low", "close", "dividend")] == [None] * 5


@pytest.mark.parametrize("prices", [{"high": "10.9"}, {"low": "11.1"}, {"open": "12.5"}])
def test_clean_judges_the_range_of_an_adjusted_file_too(prices: dict[str, str]) -> None:
    """yfinance's back_adjust leaves the close as it was and adjusts the other prices alone."""
    rows = record(adjusted_close=None, **prices), record(MONDAY, adjusted_close=None)
    assert reasons(cleaned(*rows, adjusted_only=True)) == {2: "inconsistent_range"}


def test_clean_keeps_the_larger_volume_of_a_session_that_comes_twice() -> None:
    result = cleaned(record(volume="90"), record(volume="100"), record(volume="95"))
    assert reasons(result) == {2: "repeated_session", 4: "repeated_session"}
    assert result.rows["volume"].to_list() == [100]


@pytest.mark.parametrize(
    ("first", "second", "lost"),
    [
        ({}, {"adjusted_close": "8.000001"}, 3),
        ({}, {"adjusted_close": "8.000001", "volume": "200"}, 2),
        ({}, {"open": "", "high": "NaN"}, 3),
        ({"open": "", "adjusted_close": ""}, {}, 2),
    ],
)
def test_clean_keeps_one_of_two_rows_that_differ_by_rounding_or_a_missing_price(
    first: dict[str, str | None], second: dict[str, str | None], lost: int
) -> None:
    assert reasons(cleaned(record(**first), record(**second))) == {lost: "repeated_session"}


def test_clean_keeps_none_of_two_rows_that_differ_by_more_than_rounding() -> None:
    result = cleaned(record(), record(adjusted_close="8.0001"))
    assert reasons(result) == {2: "conflict", 3: "conflict"}


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        ("13.579", {2: "fractional_volume"}),
        ("935790.5", {2: "fractional_volume"}),
        ("13579.0", {}),
        ("1.3e4", {}),
        # Stooq divides volumes by the share that is left after dividends.
        ("1357913.47", {}),
    ],
)
def test_clean_refuses_a_volume_that_is_not_whole(volume: str, reason: dict[int, str]) -> None:
    assert reasons(cleaned(record(volume=volume))) == reason


def test_clean_refuses_commas_that_may_be_decimals_and_reads_those_that_cannot() -> None:
    prices = dict.fromkeys(("open", "high", "low", "close", "adjusted_close"), "107,950")
    assert reasons(cleaned(record(**prices))) == {2: "ambiguous_comma"}
    point = dict.fromkeys(prices, "999.5")
    result = cleaned(record(**prices), record(MONDAY, **(prices | {"close": "107,950.5"})))
    assert reasons(result)[2] == "ambiguous_comma"
    assert cleaned(record(**point)).rows["close"].to_list() == [999.5]


@pytest.mark.parametrize("shown", ["1,079.50", "1,079,500"])
def test_clean_reads_thousands_only_if_another_price_shows_them(shown: str) -> None:
    prices = dict.fromkeys(("open", "high", "low", "close", "adjusted_close"), "1,950")
    told = cleaned(record(**prices), record(MONDAY, **dict.fromkeys(prices, shown)))
    assert told.rows["close"].to_list()[0] == 1950.0
    untold = cleaned(record(**prices), record(MONDAY, **dict.fromkeys(prices, "999.5")))
    assert reasons(untold) == {2: "ambiguous_comma"}


@pytest.mark.parametrize(
    ("monday", "reason"),
    [
        ({}, {3: "repeated_price"}),
        ({"adjusted_close": None}, {}),
        ({"volume": "101"}, {}),
        ({"open": "10.01"}, {}),
    ],
)
def test_clean_takes_equal_prices_and_volume_for_a_filled_session(
    monday: dict[str, str | None], reason: dict[int, str]
) -> None:
    assert reasons(cleaned(record(), record(MONDAY, **monday))) == reason


@pytest.mark.parametrize("volume", ["0", None])
def test_clean_keeps_equal_prices_without_volume(volume: str | None) -> None:
    assert cleaned(record(volume=volume), record(MONDAY, volume=volume)).rows.height == 2


def test_clean_widens_a_range_by_the_noise_of_rounding() -> None:
    rows = cleaned(record(high="10.999999")).rows
    assert rows["high"].to_list() == [11.0]
