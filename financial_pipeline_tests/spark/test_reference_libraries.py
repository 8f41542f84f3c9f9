"""Market metrics against arch's S&P table (G12) and two libraries on the real banks, at 1e-10."""

from datetime import date
from pathlib import Path
from typing import Any

import empyrical
import pandas as pd
import polars as pl
import pytest
import quantstats
from arch.data import sp500

from financial_pipeline.spark import (
    market_risk,
    range_volatility,
    returns,
    rolling_volatility,
    value_at_risk,
)
from financial_pipeline.spark.sharpe_ratios import sharpe_ratios
from financial_pipeline_tests.spark.conftest import Frame, collect

TOLERANCE = 1e-10
BANKS = "prices/yahoo_classic_2004_2018"
FOREVER = (date(1999, 1, 1), date(2020, 1, 1))
# The discount rate whose coupon-equivalent yield is 2 %.
TWO_PER_CENT = 360 * 0.02 / (365 + 91 * 0.02)


def close(value: float, tolerance: float = TOLERANCE) -> Any:
    return pytest.approx(value, rel=tolerance, abs=tolerance)


def bills(rate: float) -> pl.DataFrame:
    weeks = pl.date_range(date(1998, 12, 1), date(2018, 12, 31), "1w", eager=True)
    return pl.DataFrame(
        {
            "indicator_id": "bill_rate_discount",
            "observation_date": weeks,
            "realtime_start": weeks.dt.offset_by("1d"),
            "value": rate,
        }
    )


@pytest.fixture(scope="module")
def index_prices() -> pl.DataFrame:
    table = sp500.load().reset_index()
    return pl.from_pandas(table).select(
        symbol=pl.lit("SPX"),
        session_date=pl.col("Date").cast(pl.Date),
        open="Open",
        high="High",
        low="Low",
        close="Close",
        adjusted_close="Adj Close",
        has_valid_range=pl.lit(True),
    )


@pytest.fixture(scope="module")
def index_risk(frame: Frame, index_prices: pl.DataFrame) -> dict[str, Any]:
    simple = returns.simple_returns(frame(index_prices), *range_volatility.RANGE_COLUMNS)
    logs = range_volatility.with_log_prices(simple)
    drawn = market_risk.with_worst_fall(market_risk.with_drawdowns(logs))
    tails = value_at_risk.tail_losses(drawn, window=5030)
    rows = range_volatility.range_volatilities(rolling_volatility.volatilities(tails, (63, 5030)))
    return collect(rows).sort("session_date").row(-1, named=True)


def test_index_risk_equals_g12(index_risk: dict[str, Any]) -> None:
    assert index_risk["volatility_5030d"] == close(0.19098207141371265)
    assert index_risk["volatility_63d"] == close(0.23753417861547743)
    assert index_risk["max_drawdown_full"] == close(-0.5677538775030555)
    assert index_risk["value_at_risk"] == close(0.018643329744495285)
    assert index_risk["expected_shortfall"] == close(0.028609270423168704)


def test_index_ranges_equal_g12(index_risk: dict[str, Any]) -> None:
    # Printed with six digits.
    assert index_risk["parkinson"] == pytest.approx(0.199108, abs=5e-7)
    assert index_risk["garman_klass"] == pytest.approx(0.194900, abs=5e-7)
    assert index_risk["rogers_satchell"] == pytest.approx(0.192341, abs=5e-7)
    assert index_risk["yang_zhang"] == pytest.approx(0.216622, abs=5e-7)


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.0, 0.2827392290446074), (TWO_PER_CENT, 0.1790467450667115)]
)
def test_index_sharpe_equals_g12(
    frame: Frame, index_prices: pl.DataFrame, rate: float, expected: float
) -> None:
    rows = collect(sharpe_ratios(frame(index_prices), frame(bills(rate)), *FOREVER))
    last = rows.sort("session_date").row(-1, named=True)
    assert last["sharpe_full"] == close(expected)
    assert last["annual_growth_full"] == close(0.03639554326851813)
    if rate == 0.0:
        assert last["sharpe_252d"] == close(-0.3236682997528466)
        assert last["sortino_full"] == close(0.39861402985639793)
        assert last["sharpe_full_standard_error"] == pytest.approx(0.2238, abs=5e-5)
        assert last["sharpe_full_standard_error_mertens"] == pytest.approx(0.2240, abs=5e-5)


@pytest.fixture(scope="module")
def bank_prices(shared_data: Path) -> pl.DataFrame:
    files = sorted((shared_data / BANKS).glob("*.csv"))
    return pl.concat(
        pl.read_csv(file, try_parse_dates=True).select(
            symbol=pl.lit(file.stem), session_date="Date", adjusted_close="Adj Close"
        )
        for file in files
    )


@pytest.fixture(scope="module")
def bank_returns(bank_prices: pl.DataFrame) -> pd.DataFrame:
    wide = bank_prices.pivot(on="symbol", index="session_date", values="adjusted_close")
    prices = wide.sort("session_date").to_pandas().set_index("session_date")
    prices.index = pd.DatetimeIndex(prices.index)
    return prices.pct_change().iloc[1:]


def series(rows: pl.DataFrame, symbol: str, name: str) -> pd.Series:
    table = rows.filter(symbol=symbol).sort("session_date").select("session_date", name).to_pandas()
    return table.set_index(pd.DatetimeIndex(table["session_date"]))[name].dropna()


def assert_equal_series(ours: pd.Series, theirs: pd.Series) -> None:
    theirs = theirs.dropna()
    assert len(ours) == len(theirs) > 3000
    assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), rel=TOLERANCE, abs=TOLERANCE)


def test_rolling_volatility_of_the_banks_equals_both_libraries(
    frame: Frame, bank_prices: pl.DataFrame, bank_returns: pd.DataFrame
) -> None:
    rows = collect(rolling_volatility.rolling_volatility(frame(bank_prices), *FOREVER))
    for symbol in bank_returns:
        ours, theirs = series(rows, symbol, "volatility_63d"), bank_returns[symbol]
        assert_equal_series(ours, quantstats.stats.rolling_volatility(theirs, 63))
        assert_equal_series(ours, empyrical.roll_annual_volatility(theirs, 63))


def test_sharpe_of_the_banks_equals_both_libraries(
    frame: Frame, bank_prices: pl.DataFrame, bank_returns: pd.DataFrame
) -> None:
    rows = collect(sharpe_ratios(frame(bank_prices), frame(bills(TWO_PER_CENT)), *FOREVER))
    daily = 1.02 ** (1 / 252) - 1
    for symbol in bank_returns:
        theirs = bank_returns[symbol]
        full = series(rows, symbol, "sharpe_full").iloc[-1]
        assert full == close(quantstats.stats.sharpe(theirs, rf=0.02, periods=252))
        assert full == close(empyrical.sharpe_ratio(theirs, risk_free=daily))
        rolled = empyrical.roll_sharpe_ratio(theirs - daily, 252)
        assert_equal_series(series(rows, symbol, "sharpe_252d"), rolled)


def test_drawdown_and_beta_of_the_banks_equal_both_libraries(
    frame: Frame, bank_prices: pl.DataFrame, bank_returns: pd.DataFrame
) -> None:
    window = len(bank_returns)
    simple = returns.simple_returns(frame(bank_prices))
    rows = collect(market_risk.with_beta(market_risk.with_drawdowns(simple), window=window))
    for symbol in bank_returns:
        own, others = bank_returns[symbol], bank_returns.drop(columns=symbol).mean(axis=1)
        worst = series(rows, symbol, "max_drawdown_full").iloc[-1]
        assert worst == close(empyrical.max_drawdown(own))
        assert worst == close(quantstats.stats.max_drawdown(own))
        beta = series(rows, symbol, "beta_252d").iloc[-1]
        assert beta == close(empyrical.beta_aligned(own, others))
        assert beta == close(quantstats.stats.greeks(own, others, prepare_returns=False)["beta"])


def test_volatility_of_the_banks_equals_the_printed_one(bank_returns: pd.DataFrame) -> None:
    printed = {"JPM": 0.375, "BAC": 0.492, "C": 0.516, "WFC": 0.406, "GS": 0.353}
    annual = (bank_returns.std() * 252**0.5).to_dict()
    assert annual == pytest.approx(printed, abs=1e-3)
