"""Real minute bars through Kafka and Flink, against the vendor's own wider bars and the batch."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import RAW_TOPIC
from financial_pipeline.sources.bar_files import bar_events
from financial_pipeline.streaming import parity
from financial_pipeline.streaming.clients import ConfluentSink
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.producing import Producer, merge_bars
from financial_pipeline_tests.flink.worlds import World
from financial_pipeline_tests.streaming.engines import Tables, tables_of

pytestmark = pytest.mark.nightly

SYMBOLS = ("JPM", "BAC")
DAYS = ["2019-02-11", "2019-02-12", "2019-02-13", "2019-02-14", "2019-02-15"]
MINUTES_OF_A_SESSION = 390
PRICES = ("open", "high", "low", "close")
# The vendor labels a bar by its end.
FIVE_MINUTES = """
select
  epoch_us(timezone('America/New_York', time_bucket(interval 5 minutes, start))) as at,
  arg_min(open, start), max(high), min(low), arg_max(close, start), sum(volume)
from (
  select datetime - interval 1 minute as start, * from read_csv(?, types = {
    'datetime': 'timestamp', 'open': 'decimal(18, 4)', 'high': 'decimal(18, 4)',
    'low': 'decimal(18, 4)', 'close': 'decimal(18, 4)', 'volume': 'bigint'
  })
)
group by all order by 1
"""
WIDTHS = (60, 300, 900)
Bars = dict[int, tuple[Any, ...]]
# By width in seconds.
Made = dict[int, tuple[Tables, Landing]]


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    found = shared_data / "intraday" / "eqker_2019"
    if not found.is_dir():
        pytest.skip("the real minute bars are not next to the checkout")
    return found


@pytest.fixture(scope="module")
def raw(runtime: LocalRuntime, folder: Path) -> World:
    """A raw topic with the minute bars of both symbols."""
    world = World(runtime)
    producer = Producer(ConfluentSink(world.topic(RAW_TOPIC), runtime.client))
    producer.run(merge_bars([bar_events(folder / f"{symbol}_1min.csv") for symbol in SYMBOLS]))
    producer.close_windows(900)
    assert producer.sent == 2 * MINUTES_OF_A_SESSION * len(DAYS)
    assert producer.late == 0
    return world


@pytest.fixture(scope="module")
def made(raw: World, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The landed results of jobs of each width over the raw topic."""
    found = {}
    for width in WIDTHS:
        world = World(raw.runtime, raw_topic=raw.topic(RAW_TOPIC))
        world.run(bar_seconds=width)
        root = tmp_path_factory.mktemp("real_bars")
        found[width] = tables_of(world.log, root), Landing(Paths(root), world.log, width)
    return found


def bars_of(tables: Tables, symbol: str) -> Bars:
    bars = tables["market_bars_1m"].filter(pl.col("symbol") == symbol).sort("window_start_us")
    return {row[0]: row[1:] for row in bars.select("window_start_us", *PRICES, "volume").rows()}


def bars_of_file(path: Path, first: int) -> Bars:
    """The bars of a file from an instant (microseconds) on."""
    bars = {
        event.event_us: (*(Decimal(getattr(event, name)) for name in PRICES), event.volume)
        for event in bar_events(path)
    }
    return {at: bar for at, bar in bars.items() if at >= first}


@pytest.mark.parametrize("width", WIDTHS)
def test_batch_equals_stream_on_every_day(made: Made, width: int) -> None:
    rows = parity.compare(made[width][1], DAYS[0], DAYS[-1]).rows.to_dicts()
    assert [str(row["session_date"]) for row in rows] == DAYS
    assert all(row["passed"] for row in rows)
    bars = len(SYMBOLS) * MINUTES_OF_A_SESSION * 60 // width
    assert [row["bars_compared"] for row in rows] == [bars] * len(DAYS)
    messages = len(SYMBOLS) * MINUTES_OF_A_SESSION
    assert [row["aggregated"] for row in rows] == [messages] * len(DAYS)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_one_minute_bars_are_those_of_the_file(made: Made, folder: Path, symbol: str) -> None:
    assert bars_of(made[60][0], symbol) == bars_of_file(folder / f"{symbol}_1min.csv", 0)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_five_minute_bars_are_those_of_duckdb(made: Made, folder: Path, symbol: str) -> None:
    found = duckdb.execute(FIVE_MINUTES, [str(folder / f"{symbol}_1min.csv")]).fetchall()
    assert len(found) == MINUTES_OF_A_SESSION // 5 * len(DAYS)
    assert bars_of(made[300][0], symbol) == {row[0]: row[1:] for row in found}


def test_quarter_hours_of_jpm_are_the_vendors(made: Made, folder: Path) -> None:
    bars = bars_of(made[900][0], "JPM")
    assert len(bars) == 130
    assert bars == bars_of_file(folder / "JPM_15min.csv", min(bars))


def test_quarter_hours_of_bac_are_near_the_vendors(made: Made, folder: Path) -> None:
    bars = bars_of(made[900][0], "BAC")
    vendors = bars_of_file(folder / "BAC_15min.csv", min(bars))
    assert bars.keys() == vendors.keys()
    for at, (*prices, volume) in bars.items():
        *others, theirs = vendors[at]
        assert max(abs(a - b) for a, b in zip(prices, others, strict=True)) <= Decimal("0.01")
        assert abs(volume - theirs) <= 0.03 * theirs
