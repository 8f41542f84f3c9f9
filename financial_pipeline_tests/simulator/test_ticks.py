"""Simulated trades: the same every time, and they roll up to the daily bars of the price files."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.schemas.market_event import MarketEvent, price_text
from financial_pipeline.schemas.stream import WATERMARK_DELAY_US
from financial_pipeline.simulator.prices import write_prices
from financial_pipeline.simulator.ticks import ticks

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
