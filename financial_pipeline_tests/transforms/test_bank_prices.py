"""The cleaning rules of prices, one by one, and which file wins for a bank and day."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from financial_pipeline.transforms.bank_prices import VALUES, clean, one_row_per_session
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


def cleaned(*rows: dict[str, Any], adjusted_only: bool = False) -> Cleaned:
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
        sessions=[FRIDAY, MONDAY],
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
    identical = cleaned(record(), record(close="11.0"), record(MONDAY))
    assert reasons(identical) == {3: "duplicate"}
    conflicting = cleaned(record(), record(close="11.5"), record(), record(MONDAY))
    assert reasons(conflicting) == {2: "conflict", 3: "conflict", 4: "conflict"}
    assert conflicting.rows["session_date"].to_list() == [MONDAY]


def test_clean_does_not_let_a_broken_row_conflict_with_a_sound_one() -> None:
    result = cleaned(record(), record(close="0"))
    assert reasons(result) == {3: "non_positive_close"}


def test_clean_takes_only_the_adjusted_close_from_an_adjusted_file() -> None:
    result = cleaned(record(adjusted_close=None, open="0", low="20"), adjusted_only=True)
    row = result.rows.row(0, named=True)
    assert (row["adjusted_close"], row["volume"]) == (11.0, 100)
    assert [row[name] for name in ("open", "high", "low", "close", "dividend")] == [None] * 5


def priced(
    day: int, adjusted: float | None, *, rank: int, only: bool = False, close: float | None = None
) -> dict[str, Any]:
    row = {"symbol": "JPM", "session_date": date(2004, 1, day), "adjusted_close": adjusted}
    raw = None if only else (close or 50.0)
    return row | {"close": raw, "is_adjusted_only": only, "file_rank": rank}


def by_day(*rows: dict[str, Any]) -> dict[int, tuple[float | None, float]]:
    frame = one_row_per_session(pl.DataFrame(rows, infer_schema_length=None))
    assert frame.select(pl.struct("symbol", "session_date").is_unique().all()).item()
    found = zip(frame["session_date"], frame["close"], frame["adjusted_close"], strict=True)
    return {day.day: (close, pytest.approx(adjusted)) for day, close, adjusted in found}


def test_a_newer_file_wins_over_an_older_one() -> None:
    assert by_day(priced(2, 40.0, rank=1, close=1.0), priced(2, 40.0, rank=0, close=2.0)) == {
        2: (2.0, 40.0)
    }


def test_raw_prices_win_over_a_newer_adjusted_only_file() -> None:
    newer = [priced(day, 40.0 + day, rank=0, only=True) for day in (2, 5, 6)]
    raw = [priced(day, 40.0 + day, rank=1) for day in (2, 5)]
    assert by_day(*newer, *raw) == {2: (50.0, 42.0), 5: (50.0, 45.0), 6: (None, 46.0)}


def test_an_adjusted_only_file_fills_a_missing_adjusted_close() -> None:
    assert by_day(priced(2, None, rank=0), priced(2, 40.0, rank=1, only=True)) == {2: (50.0, 40.0)}


def test_adjusted_closes_of_two_files_meet_on_one_scale() -> None:
    """A dividend between the two downloads lowered the older part of the newer file."""
    older = [priced(day, value, rank=1) for day, value in ((2, 100.0), (5, 110.0), (6, 121.0))]
    newer = [priced(day, value, rank=0) for day, value in ((6, 108.9), (7, 119.79))]
    result = by_day(*older, *newer)
    assert result == {2: (50.0, 90.0), 5: (50.0, 99.0), 6: (50.0, 108.9), 7: (50.0, 119.79)}


def test_files_without_a_common_session_keep_their_scales() -> None:
    assert by_day(priced(2, 100.0, rank=1), priced(5, 90.0, rank=0)) == {
        2: (50.0, 100.0),
        5: (50.0, 90.0),
    }
