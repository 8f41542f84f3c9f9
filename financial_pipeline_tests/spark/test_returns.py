"""Returns by session and the windows over them, on a few literal prices."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from pyspark.sql import functions as F

from financial_pipeline.spark import returns
from financial_pipeline_tests.spark.conftest import Frame, collect

MONDAY = date(2018, 1, 1)


def bank(symbol: str, sessions: list[tuple[int, float | None]], **also: Any) -> pl.DataFrame:
    """Return prices of a bank from numbers of sessions and adjusted closes."""
    numbers, closes = zip(*sessions, strict=True)
    return pl.DataFrame(
        {
            "symbol": symbol,
            "session_date": [MONDAY + timedelta(days=number) for number in numbers],
            "session_number": numbers,
            "adjusted_close": closes,
            **also,
        },
        schema_overrides={"adjusted_close": pl.Float64, "scale_break": pl.String},
    )


def returned(frame: Frame, prices: pl.DataFrame) -> pl.DataFrame:
    return collect(returns.simple_returns(frame(prices))).sort("symbol", "session_number")


def test_a_return_is_the_change_from_the_session_before(frame: Frame) -> None:
    two = pl.concat([bank("A", [(0, 80.0), (1, 100.0), (2, 90.0)]), bank("B", [(2, 5.0)])])
    rows = returned(frame, two)
    assert rows["simple_return"].to_list() == [None, 0.25, pytest.approx(-0.1), None]
    assert rows["return_note"].to_list() == ["first_session", None, None, "first_session"]
    assert rows["has_return"].to_list() == [False, True, True, False]
    assert set(rows.columns) == {*returns.PRICE_COLUMNS, "simple_return", "return_note"} | {
        "has_return",
        "scale",
    }


def test_a_missing_session_or_price_has_no_return_over_it(frame: Frame) -> None:
    prices = [(0, 10.0), (1, 11.0), (3, 12.1), (4, None), (5, 13.0), (6, 0.0), (7, 14.0), (8, 14.7)]
    rows = returned(frame, bank("A", prices))
    assert rows["session_number"].to_list() == [0, 1, 3, 5, 7, 8]
    missing = "missing_session"
    assert rows["return_note"].to_list() == ["first_session", None, *3 * [missing], None]
    assert rows["simple_return"].to_list() == [
        None, pytest.approx(0.1), None, None, None, pytest.approx(0.05),
    ]  # fmt: skip


def test_a_return_exactly_at_the_limit_is_not_flagged(frame: Frame) -> None:
    prices = [(0, 100.0), (1, 125.0), (2, 93.75), (3, 117.5), (4, 88.0), (5, 22.0), (6, 66.0)]
    notes = returned(frame, bank("A", prices))["return_note"].to_list()
    beyond = "beyond_25_percent"
    assert notes == ["first_session", None, None, beyond, beyond, beyond, beyond]


def test_a_broken_scale_has_no_return_and_only_an_unknown_one_is_counted(frame: Frame) -> None:
    breaks = [None, "scale_unknown", "dividend_unknown", None, "scale_unknown", None]
    sessions = [(number, 10.0 + number) for number in range(6)]
    rows = returned(frame, bank("A", sessions, scale_break=breaks))
    assert rows["return_note"].to_list() == ["first_session", *breaks[1:]]
    assert rows["simple_return"].is_null().to_list() == [True, True, True, False, True, False]
    assert rows["scale"].to_list() == [0, 1, 1, 1, 2, 2]


def test_columns_that_are_asked_for_are_kept(frame: Frame) -> None:
    rows = bank("A", [(0, 1.0), (1, 1.5)], high=[2.0, 3.0])
    assert "high" not in returned(frame, rows).columns
    kept = collect(returns.simple_returns(frame(rows), "high")).sort("session_number")
    assert kept["high"].to_list() == [2.0, 3.0]


def test_a_window_is_a_range_of_sessions_and_the_whole_history_ends_at_the_row(
    frame: Frame,
) -> None:
    sessions = [(number, 10.0 + number) for number in (0, 1, 2, 3, 6, 7, 8)]
    simple = returns.simple_returns(frame(bank("A", sessions)))
    rows = collect(
        simple.withColumns(
            {
                "last_3": F.count("simple_return").over(returns.last_sessions(3)),
                "last_1": F.count("simple_return").over(returns.last_sessions(1)),
                "all": F.count("simple_return").over(returns.all_observations()),
                "prices": F.count("adjusted_close").over(returns.in_order("has_return")),
            }
        )
    ).sort("session_number")
    with_return = rows.filter("has_return")
    assert with_return["session_number"].to_list() == [1, 2, 3, 7, 8]
    assert with_return["last_3"].to_list() == [1, 2, 3, 1, 2]
    assert with_return["last_1"].to_list() == [1] * 5
    assert with_return["all"].to_list() == [1, 2, 3, 4, 5]
    assert with_return["prices"].to_list() == [1, 2, 3, 4, 5]
    assert rows.filter(~pl.col("has_return"))["all"].to_list() == [0, 0]


@pytest.mark.parametrize(
    ("count", "least"), [(1, 1), (19, 19), (20, 19), (21, 20), (40, 38), (63, 60), (252, 240)]
)
def test_a_window_needs_95_per_cent_of_its_sessions(count: int, least: int) -> None:
    assert returns.least_observations(count) == least


def test_a_window_has_a_value_once_it_is_whole_and_covered(frame: Frame) -> None:
    # Of 21 sessions 20 are needed: one may be missing, two may not.
    def with_value(gone: set[int]) -> list[int]:
        sessions = [(number, 10.0 + number) for number in range(53) if number not in gone]
        simple = returns.simple_returns(frame(bank("A", sessions)))
        value = returns.when_covered(F.lit(1.0), "has_return", 21)
        rows = collect(simple.withColumn("value", value)).sort("session_number")
        return rows.filter(pl.col("value").is_not_null())["session_number"].to_list()

    assert with_value(set()) == [*range(21, 53)]
    # A lost price costs two returns, which the window of session 51 has behind it.
    assert with_value({30}) == [*range(21, 30), 51, 52]


def test_a_window_with_one_return_less_than_its_sessions_is_covered(frame: Frame) -> None:
    breaks = [None if number != 30 else "dividend_unknown" for number in range(50)]
    sessions = [(number, 10.0 + number) for number in range(50)]
    simple = returns.simple_returns(frame(bank("A", sessions, scale_break=breaks)))
    value = returns.when_covered(F.lit(1.0), "has_return", 21)
    rows = collect(simple.withColumn("value", value).filter("has_return"))
    found = rows.sort("session_number").filter(pl.col("value").is_not_null())
    assert found["session_number"].to_list() == [*range(21, 30), *range(31, 50)]


def test_looking_back_keeps_the_sessions_of_a_window_before_the_first_one_asked(
    frame: Frame,
) -> None:
    daily = bank("A", [(number, 1.0) for number in range(1, 11)])
    gaps = bank("B", [(number, 1.0) for number in (1, 5, 6, 9)])
    asked = returns.looking_back(frame(pl.concat([daily, gaps])), MONDAY + timedelta(days=7), 3)
    kept = collect(asked).sort("symbol", "session_number")
    # The first session asked for is 7 of A, and 9 of B.
    assert kept.group_by("symbol", maintain_order=True).agg("session_number").rows() == [
        ("A", [5, 6, 7, 8, 9, 10]),
        ("B", [9]),
    ]
    assert "first_asked" not in kept.columns
