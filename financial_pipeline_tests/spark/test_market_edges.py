"""What market metrics do where a formula has no answer: gaps, flat prices, missing ranges."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl

from financial_pipeline.spark import returns
from financial_pipeline.spark.bill_rate import bill_returns
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


def test_day_without_a_quorum_of_banks_is_no_session(metric_rows: Rows) -> None:
    rows = metric_rows("rolling_volatility")
    assert DATES[500] not in set(rows["session_date"])
    # The session after it follows the one before it.
    assert value(rows, "JPM", DATES[501], "simple_return") is not None


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
            "observation_date": [date(2017, 12, 1)],
            "realtime_start": [date(2017, 12, 2)],
            "value": [0.02],
        }
    )
    rows = collect(sharpe_ratios(frame(prices), frame(rate), days[0], days[-1], window=5))
    assert rows["excess_return"].null_count() == 1
    for name in ("sharpe_252d", "sharpe_full"):
        assert rows[name].null_count() == rows.height


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


def test_quorum_is_four_of_five_listed_banks(frame: Frame) -> None:
    prices = pl.DataFrame(
        {
            "symbol": ["A", "A", "A", "B", "B"],
            "session_date": [date(2018, 1, day) for day in (1, 2, 3, 1, 3)],
            "adjusted_close": [1.0, 2.0, 3.0, 1.0, 2.0],
        }
    )
    rows = collect(returns.simple_returns(frame(prices)))
    # Half of the banks are missing on the second day, so it is no session.
    assert set(rows["session_date"]) == {date(2018, 1, 1), date(2018, 1, 3)}
    assert rows.sort("symbol", "session_date")["simple_return"].to_list() == [None, 2.0, None, 1.0]
