"""Market metrics at inputs for which a formula has no answer: gaps, flat prices, missing ranges."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest

from financial_pipeline.spark import returns
from financial_pipeline.spark.bill_rate import bill_returns
from financial_pipeline.spark.market_risk import market_risk
from financial_pipeline.spark.sharpe_ratios import sharpe_ratios
from financial_pipeline_tests.spark import tiny_prices
from financial_pipeline_tests.spark.conftest import Frame, collect

Rows = Callable[[str], pl.DataFrame]
DATES = tiny_prices.session_dates()


def value(rows: pl.DataFrame, symbol: str, day: date, name: str) -> float | None:
    found = rows.filter((pl.col("symbol") == symbol) & (pl.col("session_date") == day))
    assert found.height == 1
    return found[name][0]  # type: ignore[no-any-return]


def test_return_after_a_missed_session_is_null_and_leaves_the_window(metric_rows: Rows) -> None:
    rows = metric_rows("rolling_volatility")
    assert value(rows, "JPM", DATES[451], "simple_return") is None
    assert value(rows, "JPM", DATES[451], "volatility_63d") is None
    assert value(rows, "JPM", DATES[452], "volatility_63d") is not None
    assert value(rows, "JPM", DATES[452], "returns_63d") == 61
    # Two of 21 are below 95 %.
    assert value(rows, "JPM", DATES[452], "volatility_21d") is None


def test_window_over_a_gap_has_no_value_and_counts_what_it_has(metric_rows: Rows) -> None:
    rows = metric_rows("rolling_volatility")
    assert value(rows, "C", DATES[580], "return_note") == "missing_session"
    assert value(rows, "C", DATES[600], "volatility_63d") is None
    assert value(rows, "C", DATES[600], "returns_63d") == 42
    assert value(metric_rows("market_risk"), "C", DATES[600], "value_at_risk_95") is None


def test_break_of_scale_has_no_return_and_starts_the_drawdown_again(metric_rows: Rows) -> None:
    rows, risk = metric_rows("rolling_volatility"), metric_rows("market_risk")
    assert value(rows, "GS", DATES[350], "return_note") == "scale_unknown"
    assert value(rows, "GS", DATES[350], "simple_return") is None
    assert value(risk, "GS", DATES[350], "drawdown") == 0.0
    assert value(risk, "GS", DATES[349], "max_drawdown_full") < -0.1  # type: ignore[operator]
    assert value(risk, "GS", DATES[350], "max_drawdown_full") == 0.0
    assert value(rows, "WFC", DATES[420], "return_note") == "dividend_unknown"
    assert value(risk, "WFC", DATES[420], "drawdown") < 0.0  # type: ignore[operator]


def test_session_that_a_single_bank_knows_is_missing_for_the_others(metric_rows: Rows) -> None:
    rows = metric_rows("rolling_volatility")
    for symbol, note in (("BAC", None), ("JPM", "missing_session")):
        assert value(rows, symbol, DATES[501], "return_note") == note


def test_window_that_is_not_full_has_no_value(metric_rows: Rows) -> None:
    rows = metric_rows("rolling_volatility")
    assert value(rows, "WFC", DATES[20], "volatility_21d") is None
    assert value(rows, "WFC", DATES[21], "volatility_21d") is not None


def test_flat_prices_have_no_correlation_and_zero_volatility(metric_rows: Rows) -> None:
    flat = DATES[275]
    assert value(metric_rows("rolling_volatility"), "BAC", flat, "volatility_63d") == 0.0
    pairs = metric_rows("return_correlations").filter(
        (pl.col("session_date") == flat) & (pl.col("symbol_a") == "BAC")
    )
    assert pairs["correlation_63d"].null_count() == pairs.height == 4


def test_day_without_a_range_leaves_the_range_estimators_only(metric_rows: Rows) -> None:
    risk = metric_rows("market_risk")
    day = next(day for day in DATES[300:] if day.day == 13)
    assert value(risk, "C", day, "parkinson_63d") is None
    assert value(risk, "C", day, "value_at_risk_95") is not None


def test_constant_excess_return_has_no_sharpe_ratio(frame: Frame) -> None:
    days = [date(2018, 1, 1) + timedelta(days=count) for count in range(12)]
    prices = pl.DataFrame(
        {
            "symbol": "A",
            "session_date": days,
            "adjusted_close": [100 * 1.001**count for count in range(12)],
        }
    )
    rate = pl.DataFrame(
        {
            "indicator_id": "bill_rate_discount",
            "observation_date": [date(2017, 12, 29)],
            "realtime_start": [date(2017, 12, 30)],
            "value": [0.02],
        }
    )
    rows = collect(sharpe_ratios(frame(prices), frame(rate), days[0], days[-1], window=5))
    assert rows["excess_return"].null_count() == 1
    for name in ("sharpe_252d", "sharpe_full"):
        assert rows[name].null_count() == rows.height


@pytest.mark.parametrize(
    ("session", "rate", "note"),
    [
        (date(2018, 1, 2), None, "no_bill_rate"),
        (date(2018, 1, 3), date(2018, 1, 2), None),
        # Ten business days after the second of January, and eleven.
        (date(2018, 1, 16), date(2018, 1, 2), None),
        (date(2018, 1, 17), None, "bill_rate_too_old"),
        # Observed on the 18th, withdrawn on the 23rd.
        (date(2018, 1, 22), date(2018, 1, 18), None),
        (date(2018, 1, 23), None, "bill_rate_too_old"),
    ],
)
def test_bill_rate_has_an_age_limit_and_can_be_withdrawn(
    frame: Frame, session: date, rate: date | None, note: str | None
) -> None:
    rates = pl.DataFrame(
        {
            "indicator_id": "bill_rate_discount",
            "observation_date": [date(2018, 1, 2), date(2018, 1, 18)],
            "realtime_start": [date(2018, 1, 3), date(2018, 1, 19)],
            "realtime_end": [date(9999, 12, 31), date(2018, 1, 23)],
            "value": [0.01, 0.02],
        }
    )
    row = collect(bill_returns(frame(pl.DataFrame({"session_date": [session]})), frame(rates)))
    assert row["bill_observation_date"].to_list() == [rate]
    assert row["bill_note"].to_list() == [note]
    assert row["bill_return"].null_count() == (note is not None)


def test_return_beyond_a_quarter_is_flagged_and_kept(frame: Frame) -> None:
    prices = pl.DataFrame(
        {
            "symbol": "A",
            "session_date": [date(2018, 1, day) for day in (2, 3, 4)],
            "adjusted_close": [100.0, 126.0, 95.0],
        }
    )
    rows = collect(returns.simple_returns(frame(prices))).sort("session_date")
    assert rows["return_note"].to_list() == ["first_session", "beyond_25_percent", None]
    assert rows["simple_return"][1] == pytest.approx(0.26)


def test_return_exists_only_between_consecutive_sessions(frame: Frame) -> None:
    """All banks miss the second session; the calendar knows it."""
    prices = pl.DataFrame(
        {
            "symbol": ["A", "A", "B", "B"],
            "session_date": [date(2018, 1, day) for day in (2, 4, 2, 4)],
            "session_number": [0, 2, 0, 2],
            "adjusted_close": [1.0, 1.1, 1.0, 1.1],
        }
    )
    rows = collect(returns.simple_returns(frame(prices)))
    assert rows["simple_return"].null_count() == 4


def test_bill_rate_is_the_last_one_known_before_the_session(frame: Frame) -> None:
    sessions = pl.DataFrame({"session_date": [date(2018, 1, day) for day in (2, 3, 4, 8)]})
    rates = pl.DataFrame(
        {
            "indicator_id": "bill_rate_discount",
            "observation_date": [date(2018, 1, day) for day in (2, 3, 4, 5, 2)],
            # The third is released late; the last is a revision of an old day.
            "realtime_start": [date(2018, 1, day) for day in (3, 4, 9, 6, 7)],
            "value": [0.01, 0.02, 0.03, None, 0.05],
        }
    )
    rows = collect(bill_returns(frame(sessions), frame(rates))).sort("session_date")
    assert rows["bill_observation_date"].to_list() == [
        None,
        date(2018, 1, 2),
        date(2018, 1, 3),
        date(2018, 1, 3),
    ]


def test_day_alone_knows_the_history_that_its_windows_do_not_reach(frame: Frame) -> None:
    """A bank rests from its second to its three hundredth session; two windows end after that."""
    numbers = [0, *range(300, 553)]
    closes = [100.0 + number % 7 for number in numbers]
    prices = pl.DataFrame(
        {
            "symbol": "A",
            "session_date": [date(2015, 1, 1) + timedelta(days=number) for number in numbers],
            "session_number": numbers,
            "scale_break": pl.Series([None] * len(numbers), dtype=pl.String),
            **{name: closes for name in ("open", "high", "low", "close", "adjusted_close")},
            "has_valid_range": True,
        }
    )
    first, day = prices["session_date"][0], date(2015, 1, 1) + timedelta(days=551)
    whole = collect(market_risk(frame(prices), first, day)).filter(pl.col("session_date") == day)
    alone = collect(market_risk(frame(prices), day, day))
    # From session 299 on, which the rest left out; without session 0 there would be no window.
    assert alone["max_drawdown_252d"].to_list() == [pytest.approx(100 / 106 - 1)]
    assert alone.equals(whole)
