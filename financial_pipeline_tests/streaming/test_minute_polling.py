"""Live minute bars from a server that speaks as Yahoo does, onto a sink in memory."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import HEARTBEAT_SYMBOL, WATERMARK_DELAY_US
from financial_pipeline.settings import Settings
from financial_pipeline.sources.http_client import ProviderFailure
from financial_pipeline.streaming.messages import decode
from financial_pipeline.streaming.minute_polling import MinutePolling, minute_source, require_open
from financial_pipeline.streaming.producing import Held, Producer
from financial_pipeline_tests.raw.upstream import Upstream

# A Monday; 09:30 in New York.
OPEN = datetime(2019, 2, 11, 14, 30, tzinfo=UTC)
CLOSE = datetime(2019, 2, 11, 21, 0, tzinfo=UTC)
OPEN_US = int(OPEN.timestamp()) * 1_000_000
MINUTE = timedelta(minutes=1)


def minutes_chart(symbol: str, starts: list[datetime]) -> dict[str, Any]:
    """A chart of one-minute bars; the price of each is its place."""
    prices = [100.0 + place for place in range(len(starts))]
    quote = {name: prices for name in ("open", "high", "low", "close")}
    hours = {"timezone": "EST", "gmtoffset": -18000}
    hours |= {"start": int(OPEN.timestamp()), "end": int(CLOSE.timestamp())}
    meta = {
        "currentTradingPeriod": {"regular": hours},
        "tradingPeriods": [[hours]],
        "symbol": symbol,
        "currency": "USD",
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EST",
        "gmtoffset": -18000,
        "dataGranularity": "1m",
        "priceHint": 2,
        "validRanges": ["1d", "max"],
    }
    return {
        "meta": meta,
        "timestamp": [int(start.timestamp()) for start in starts],
        "events": {},
        "indicators": {"quote": [{**quote, "volume": [10] * len(starts)}]},
    }


@dataclass
class Memory:
    partitions: int = 2
    values: list[dict[str, Any]] = field(default_factory=list)

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        self.values.append(decode(value or b"") | {"record_ms": record_ms})

    def flush(self) -> None:
        pass

    def bars(self) -> list[tuple[str, int]]:
        """Symbol and minute since the opening of each bar sent."""
        bars = [value for value in self.values if value["symbol"] != HEARTBEAT_SYMBOL]
        return [(bar["symbol"], (bar["event_us"] - OPEN_US) // 60_000_000) for bar in bars]


class World:
    """A clock, and what Yahoo shows at each instant: bars up to the running minute."""

    def __init__(self, upstream: Upstream, root: Path) -> None:
        self.upstream, self.time, self.sink = upstream, OPEN, Memory()
        self.lag = {"JPM": timedelta(), "BAC": timedelta()}
        self.settings = Settings(
            symbols=tuple(self.lag), yahoo_url=upstream.url, request_pause_seconds=0
        )
        self.source = minute_source(self.settings, Paths(root))
        self.told: list[str] = []
        self.until = OPEN
        # From when on nobody lags any more.
        self.heals = CLOSE

    def show(self) -> None:
        for symbol, lag in self.lag.items():
            lag = lag if self.time < self.heals else timedelta()
            count = max(0, int((min(self.time, CLOSE) - lag - OPEN) / MINUTE) + 1)
            starts = [OPEN + MINUTE * place for place in range(count)]
            self.upstream.charts[symbol] = minutes_chart(symbol, starts)

    def silence(self, symbol: str, day: date) -> pd.DataFrame:
        raise ProviderFailure("Yahoo Finance", "unreachable", f"{symbol}: cannot be reached")

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=20)
        self.show()
        if self.time >= self.until:
            raise KeyboardInterrupt

    def poll(self, until: datetime, held: Held | None = None) -> Producer:
        """Poll every 20 s from where the clock stands until an instant, or the end."""
        self.until = until
        self.show()
        producer = Producer(self.sink, held=held or Held())
        polling = MinutePolling(
            producer,
            self.source,
            self.settings.symbols,
            20,
            self.told.append,
            now=lambda: self.time,
            sleep=self.sleep,
        )
        try:
            polling.run()
        except KeyboardInterrupt:
            self.told.append("interrupted")
        return producer


@pytest.fixture
def world(upstream: Upstream, tmp_path: Path) -> World:
    return World(upstream, tmp_path)


def test_only_completed_bars_are_sent_and_each_once(world: World) -> None:
    world.time = OPEN + timedelta(seconds=130)
    producer = world.poll(OPEN + timedelta(minutes=4, seconds=30))
    assert world.sink.bars() == [
        (symbol, minute) for minute in range(4) for symbol in ("BAC", "JPM")
    ]
    assert (producer.sent, producer.late) == (8, 0)
    (first, *_) = [value for value in world.sink.values if value["symbol"] == "BAC"]
    assert (first["open"], first["volume"], first["source"]) == ("100.0000", 10, "yfinance")
    assert (first["session_date"], first["vwap_basis"]) == ("2019-02-11", "close")


def test_a_restarted_poll_sends_nothing_twice(world: World) -> None:
    world.time = OPEN + timedelta(seconds=130)
    first = world.poll(OPEN + timedelta(minutes=3))
    again = world.poll(OPEN + timedelta(minutes=5), Held(set(first.held.events)))
    assert len(world.sink.bars()) == len(set(world.sink.bars())) == first.sent + again.sent
    assert again.late == 0


def test_heartbeats_close_the_windows_of_what_was_sent_and_make_nothing_late(world: World) -> None:
    world.time = OPEN + timedelta(seconds=70)
    world.poll(OPEN + timedelta(minutes=2, seconds=10))
    beats = [value for value in world.sink.values if value["symbol"] == HEARTBEAT_SYMBOL]
    assert beats[0]["watermark_us"] == OPEN_US - WATERMARK_DELAY_US
    sent_to = max(minute for _, minute in world.sink.bars())
    assert beats[-1]["watermark_us"] == OPEN_US + (sent_to + 1) * 60_000_000
    sequences = [beat["sequence"] for beat in beats]
    assert sequences == list(range(1, len(beats) + 1))


def test_a_symbol_that_lags_is_waited_for_and_then_late(world: World) -> None:
    world.lag["BAC"] = timedelta(minutes=2)
    world.time = OPEN + timedelta(minutes=5, seconds=10)
    waited = world.poll(world.time + timedelta(seconds=20))
    assert max(minute for _, minute in world.sink.bars()) == 3
    assert waited.late == 0
    world.lag["BAC"], world.heals = timedelta(minutes=30), world.time + timedelta(minutes=5)
    late = world.poll(world.heals + timedelta(minutes=1), Held(set(waited.held.events)))
    newest = max(minute for symbol, minute in world.sink.bars() if symbol == "JPM")
    sent = sorted(minute for symbol, minute in world.sink.bars() if symbol == "BAC")
    assert sent == list(range(newest + 1))
    assert 0 < late.late < len(sent)


def test_the_session_ends_with_its_last_bar(world: World) -> None:
    world.time = CLOSE - timedelta(seconds=50)
    producer = world.poll(CLOSE + timedelta(hours=1))
    assert "interrupted" not in world.told
    assert producer.sent == 2 * 390
    assert max(minute for _, minute in world.sink.bars()) == 389


def test_a_dead_network_is_a_sentence_and_later_a_pause(world: World, tmp_path: Path) -> None:
    dead = world.settings.model_copy(update={"yahoo_url": "http://127.0.0.1:1"})
    alive, world.source = world.source, minute_source(dead, Paths(tmp_path))
    with pytest.raises(PipelineError, match=r"cannot be reached .*; check the network connection"):
        world.poll(OPEN + MINUTE)
    world.source = lambda symbol, day: (
        alive if world.time < OPEN + MINUTE or world.time > OPEN + 3 * MINUTE else world.silence
    )(symbol, day)
    world.poll(OPEN + timedelta(minutes=4, seconds=30))
    assert [sentence.rsplit(". ", 1)[-1] for sentence in world.told] == [
        "Polling continues.",
        "All symbols answer again.",
        "interrupted",
    ]
    assert world.sink.bars()[-1] == ("JPM", 3)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (datetime(2019, 2, 10, 15, tzinfo=UTC), "has no session on Sunday, 2019-02-10"),
        (datetime(2019, 2, 11, 14, 29, tzinfo=UTC), "opens at 09:30 on Monday, 2019-02-11"),
        (datetime(2018, 12, 25, 15, tzinfo=UTC), "has no session on Tuesday, 2018-12-25"),
    ],
)
def test_outside_trading_hours_one_sentence_says_so(now: datetime, sentence: str) -> None:
    with pytest.raises(PipelineError, match=sentence):
        require_open(now)


def test_an_early_close_ends_the_session_early() -> None:
    hours = require_open(datetime(2018, 11, 23, 15, tzinfo=UTC))
    assert hours[1] == datetime(2018, 11, 23, 18, tzinfo=UTC)
