"""Simulated trades: the same every time, and they roll up to the daily bars of the price files."""

import math
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from financial_pipeline.schemas.market_event import MarketEvent, price_text
from financial_pipeline.schemas.stream import WATERMARK_DELAY_US
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.simulator.ticks import last_sessions, ticks
from financial_pipeline.streaming.indicators import SHARED, Session

SESSIONS = (date(2019, 3, 28), date(2019, 3, 29))
SYMBOLS = ("BAC", "JPM")


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prices")
    write_prices(folder, seed=5)
    return folder


@pytest.fixture(scope="module")
def trades(prices: Path) -> list[MarketEvent]:
    return list(ticks(prices, SESSIONS, SYMBOLS, seed=5))


def test_the_same_arguments_give_the_same_trades(prices: Path, trades: list[MarketEvent]) -> None:
    assert list(ticks(prices, SESSIONS, SYMBOLS, seed=5)) == trades
    assert list(ticks(prices, SESSIONS, SYMBOLS, seed=6)) != trades


def test_a_session_alone_has_the_trades_that_it_has_among_others(
    prices: Path, trades: list[MarketEvent]
) -> None:
    alone = list(ticks(prices, SESSIONS[1:], SYMBOLS, seed=5))
    assert alone == [trade for trade in trades if trade.session_date == "2019-03-29"]


def test_trades_roll_up_to_the_daily_bar(prices: Path, trades: list[MarketEvent]) -> None:
    days: dict[tuple[str, str | None], list[MarketEvent]] = defaultdict(list)
    for trade in sorted(trades, key=lambda trade: trade.sequence):
        days[trade.symbol, trade.session_date].append(trade)
    assert len(days) == 4
    for (symbol, session), of_day in days.items():
        row = pl.read_csv(prices / f"{symbol}.csv").filter(pl.col("Date") == session).row(0)
        closes = [Decimal(trade.close) for trade in of_day]
        rolled = (closes[0], max(closes), min(closes), closes[-1])
        assert rolled == tuple(Decimal(price_text(price)) for price in row[1:5])


CENTS = st.integers(100, 100_000)


@settings(max_examples=60, deadline=None)
@given(cents=st.lists(CENTS, min_size=4, max_size=4).map(sorted), is_rising=st.booleans())
@example(cents=[5_000, 5_000, 5_000, 5_000], is_rising=True)  # a day without movement
@example(cents=[5_000, 5_000, 5_001, 5_001], is_rising=False)  # open is high, close is low
@example(cents=[100, 5_000, 5_000, 100_000], is_rising=True)
def test_the_trades_of_any_day_go_from_open_over_high_and_low_to_close(
    cents: list[int], is_rising: bool
) -> None:
    low, one, other, high = (f"{number / 100:.2f}" for number in cents)
    opened, close = (one, other) if is_rising else (other, one)
    with TemporaryDirectory() as folder:
        row = f"2019-03-29,{opened},{high},{low},{close},100000"
        (Path(folder) / "X.csv").write_text(f"Date,Open,High,Low,Close,Volume\n{row}\n", "utf-8")
        found = ticks(Path(folder), SESSIONS, ["X"], seed=7, per_minute=0.5)
        prices = [Decimal(one.close) for one in sorted(found, key=lambda one: one.sequence)]
    assert (prices[0], max(prices), min(prices), prices[-1]) == tuple(
        Decimal(text) for text in (opened, high, low, close)
    )


def test_minute_bars_move_and_their_returns_are_no_alarm(prices: Path) -> None:
    closes: dict[tuple[str, str | None], dict[int, float]] = defaultdict(dict)
    found = list(ticks(prices, last_sessions(prices, 6), ("BAC", "C", "JPM"), seed=5))
    for trade in sorted(found, key=lambda trade: trade.sequence):
        closes[trade.symbol, trade.session_date][trade.event_us // 60_000_000] = float(trade.close)
    returns: list[float] = []
    scores: list[float] = []
    for of_day in closes.values():
        session = Session()
        shared = dict.fromkeys(SHARED) | {"volume": 1}
        rows = [session.add(shared | {"close": close})[0] for close in of_day.values()]
        returns += [row["log_return"] for row in rows[1:]]
        scores += [abs(row["return_zscore"]) for row in rows if row["return_zscore"] is not None]
    assert len(closes) == 18
    assert len(scores) > 5_000
    assert returns.count(0.0) < 0.005 * len(returns)
    # Normal steps would give 0.0001 beyond 4; clipped ones gave 54.6 as the largest.
    assert sum(score >= 4 for score in scores) < 0.01 * len(scores)
    assert max(scores) < 15
    assert math.sqrt(sum(score**2 for score in scores) / len(scores)) == pytest.approx(1, abs=0.1)


def test_sizes_add_up_and_times_and_sequences_agree(
    prices: Path, trades: list[MarketEvent]
) -> None:
    jpm = [
        trade for trade in trades if trade.symbol == "JPM" and trade.session_date == "2019-03-28"
    ]
    row = pl.read_csv(prices / "JPM.csv").filter(pl.col("Date") == "2019-03-28")
    assert sum(trade.volume for trade in jpm) == row["Volume"].item()
    in_sequence = sorted(jpm, key=lambda trade: trade.sequence)
    times = [trade.event_us for trade in in_sequence]
    assert times == sorted(times)
    assert len({trade.sequence for trade in jpm}) == len(jpm)


def test_trades_come_in_the_order_in_which_they_are_known_and_few_are_late(
    trades: list[MarketEvent],
) -> None:
    known = [trade.known_us for trade in trades]
    assert known == sorted(known)
    highest, late = 0, 0
    for trade in trades:
        highest = max(highest, trade.event_us)
        late += trade.event_us < highest - WATERMARK_DELAY_US
    assert 0 < late < 0.01 * len(trades)
