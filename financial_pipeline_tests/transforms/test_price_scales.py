"""The file that wins for a bank and day, and the scale of its prices."""

from datetime import date
from itertools import permutations
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from financial_pipeline.transforms import bank_prices
from financial_pipeline.transforms.bank_prices import one_row_per_session

PRICES = ("open", "high", "low", "close", "adjusted_close", "dividend", "split_ratio")
KINDS = dict.fromkeys(PRICES, pl.Float64) | {"volume": pl.Int64}


def priced(
    day: int, adjusted: float | None, *, rank: int, only: bool = False, close: float | None = None
) -> dict[str, Any]:
    row = {"symbol": "JPM", "session_date": date(2004, 1, day), "adjusted_close": adjusted}
    raw = None if only else (close or 50.0)
    empty = dict.fromkeys(("open", "high", "low", "volume", "dividend", "split_ratio"))
    return empty | row | {"close": raw, "is_adjusted_only": only, "file_rank": rank}


def by_day(*rows: dict[str, Any]) -> dict[int, tuple[float | None, float]]:
    frame = one_row_per_session(pl.DataFrame(rows, schema_overrides=KINDS))
    assert frame.select(pl.struct("symbol", "session_date").is_unique().all()).item()
    found = zip(frame["session_date"], frame["close"], frame["adjusted_close"], strict=True)
    return {day.day: (close, pytest.approx(adjusted)) for day, close, adjusted in found}


def test_a_newer_file_wins_over_an_older_one() -> None:
    assert by_day(priced(2, 40.0, rank=1, close=50.0), priced(2, 41.0, rank=0, close=51.0)) == {
        2: (51.0, 41.0)
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


def breaks(*rows: dict[str, Any]) -> dict[int, str | None]:
    frame = one_row_per_session(pl.DataFrame(rows, schema_overrides=KINDS))
    return {day.day: why for day, why in frame.select("session_date", "scale_break").iter_rows()}


def test_files_without_a_common_session_meet_at_their_raw_closes() -> None:
    """The older file was saved before dividends that the newer one has taken out."""
    rows = priced(2, 50.0, rank=1), priced(5, 45.9, rank=0, close=51.0)
    assert by_day(*rows) == {2: (50.0, 45.0), 5: (51.0, 45.9)}
    assert breaks(*rows) == {2: None, 5: "dividend_unknown"}


def test_files_of_one_download_have_no_break_between_them() -> None:
    rows = priced(2, 45.0, rank=1), priced(5, 45.9, rank=0, close=51.0)
    assert by_day(*rows) == {2: (50.0, 45.0), 5: (51.0, 45.9)}
    assert breaks(*rows) == {2: None, 5: None}


def test_dividend_and_split_of_the_newer_side_close_a_seam() -> None:
    """Ten old shares for one new, and a dollar paid: 50 became 500, and 499 are left."""
    newer = priced(5, 499.0, rank=0, close=499.0) | {"dividend": 1.0, "split_ratio": 0.1}
    older = priced(2, 45.0, rank=1) | {"volume": 100}
    assert by_day(older, newer) == {2: (500.0, 499.0), 5: (499.0, 499.0)}
    assert breaks(older, newer) == {2: None, 5: None}


def test_raw_closes_far_apart_at_a_seam_are_a_break_of_scale() -> None:
    rows = priced(2, 40.0, rank=1), priced(5, 400.0, rank=0, close=480.0)
    assert by_day(*rows) == {2: (50.0, 40.0), 5: (480.0, 400.0)}
    assert breaks(*rows) == {2: None, 5: "scale_unknown"}


def test_seam_is_a_break_whichever_file_is_newer() -> None:
    rows = priced(2, 40.0, rank=0), priced(5, 50.0, rank=1)
    assert by_day(*rows) == {2: (50.0, 40.0), 5: (50.0, 40.0)}
    assert breaks(*rows) == {2: None, 5: "dividend_unknown"}


@pytest.mark.parametrize("ranks", list(permutations(range(3))))
def test_thirds_of_one_download_have_no_break_in_whatever_order_they_arrive(
    ranks: tuple[int, ...],
) -> None:
    prices = {2: 50.0, 5: 50.5, 6: 53.0, 7: 53.5, 8: 56.5, 9: 57.0}
    rows = [priced(day, 0.9 * close, rank=ranks[place // 2], close=close)
            for place, (day, close) in enumerate(prices.items())]  # fmt: skip
    assert set(breaks(*rows).values()) == {None}


def test_split_between_two_downloads_rescales_every_price_of_the_older_one() -> None:
    """Four new shares for one: the newer file has a quarter of each price of the common day."""
    older = [priced(day, 80.0, rank=1, close=100.0) | {"volume": 10} for day in (2, 5)]
    newer = priced(5, 18.0, rank=0, close=25.0) | {"volume": 40}
    frame = one_row_per_session(pl.DataFrame([*older, newer], schema_overrides=KINDS))
    columns = ["close", "adjusted_close", "volume", "scale_break"]
    assert frame.select(columns).rows() == [(25.0, 18.0, 40, None), (25.0, 18.0, 40, None)]


def test_file_that_bridges_two_others_leaves_no_seam() -> None:
    rows = priced(2, 50.0, rank=1), priced(5, 45.0, rank=0)
    bridge = [priced(day, 50.0, rank=2) for day in (2, 5)]
    assert breaks(*rows, *bridge) == {2: None, 5: None}


@st.composite
def downloads(draw: st.DrawFn) -> pl.DataFrame:
    """Up to five files of one bank: each with some days, on a scale, some without raw closes."""
    rows = []
    for rank in range(draw(st.integers(1, 5))):
        scale, only = draw(st.sampled_from([1.0, 2.0])), draw(st.booleans())
        for day in draw(st.lists(st.integers(5, 9), unique=True, min_size=1)):
            adjusted = draw(st.sampled_from([None, 40.0, 41.0])) if not only else 40.0
            known = None if adjusted is None else adjusted * scale
            rows.append(priced(day, known, rank=rank, only=only, close=50.0 * scale))
    return pl.DataFrame(rows, schema_overrides=KINDS)


@given(rows=downloads())
def test_files_that_newer_ones_cover_change_nothing(rows: pl.DataFrame) -> None:
    found = one_row_per_session(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank_prices, "_without_covered", lambda all_rows: all_rows)
        assert_frame_equal(found, one_row_per_session(rows))


def test_a_covered_file_is_left_out_and_one_with_a_day_or_close_of_its_own_is_not() -> None:
    newest = [priced(day, value, rank=0) for day, value in ((5, 40.0), (6, None))]
    covered, earlier = priced(5, 39.0, rank=1), priced(2, 38.0, rank=2)
    fuller, other_form = priced(6, 41.0, rank=3), priced(5, 40.0, rank=4, only=True)
    rows = pl.DataFrame([*newest, covered, earlier, fuller, other_form], schema_overrides=KINDS)
    kept = bank_prices._without_covered(rows)["file_rank"].unique().sort().to_list()
    assert kept == [0, 2, 3, 4]


def history(
    symbol: str, start: float, *, only: bool = False, days: int = 12
) -> list[dict[str, Any]]:
    """Sessions of January whose close rises by a dollar each."""
    prices = [priced(2 + day, 0.9 * (start + day), rank=0, only=only, close=start + day)
              for day in range(days)]  # fmt: skip
    return [{**row, "symbol": symbol, "volume": 1000 + row["session_date"].day} for row in prices]


def later_file(
    rows: list[dict[str, Any]], times: float, volume: float = 1.0
) -> list[dict[str, Any]]:
    """The same sessions in another file: prices and volume multiplied."""
    return [
        {**row, "close": row["close"] * times, "adjusted_close": row["adjusted_close"] * times,
         "volume": round(row["volume"] * volume), "file_rank": 0}
        for row in rows
    ]  # fmt: skip


def joined(older: list[dict[str, Any]], newer: list[dict[str, Any]]) -> dict[int, float]:
    """The closes by day of an older and a newer file."""
    older = [{**row, "file_rank": 1} for row in older]
    frame = one_row_per_session(pl.DataFrame([*older, *newer], schema_overrides=KINDS))
    assert set(frame["adjusted_close"] / frame["close"] * 100 // 1) <= {89.0, 90.0}
    return {day.day: close for day, close in frame.select("session_date", "close").iter_rows()}


@pytest.mark.parametrize(
    ("sessions", "times"),
    [(slice(3, 4), 0.863), (slice(3, 6), 0.98), (slice(2, 12), 0.98), (slice(11, 12), 1 / 0.97)],
    ids=["one typing error", "three of them", "most of a month", "an unfinished last day"],
)
def test_a_correction_moves_its_own_sessions_and_no_other(sessions: slice, times: float) -> None:
    older = history("JPM", 50.0)
    closes = joined(older, later_file(older[sessions], times))
    for place, row in enumerate(older):
        is_corrected = place in range(*sessions.indices(12))
        expected = row["close"] * (times if is_corrected else 1)
        assert closes[row["session_date"].day] == pytest.approx(expected), place


@pytest.mark.parametrize(("common", "times"), [(2, 0.5), (12, 0.5), (12, 10.0), (12, 0.956)])
def test_a_split_moves_all_earlier_sessions(common: int, times: float) -> None:
    older = history("JPM", 50.0)
    closes = joined(older, later_file(older[-common:], times, 1 / times))
    assert closes[2] == pytest.approx(50.0 * times)
