"""One contract, several engines: the same messages give the same bars, alerts and dead letters."""

import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming.message_log import FileLog
from financial_pipeline.streaming.parity import COMPARED, differing
from financial_pipeline_tests.streaming import stream_world
from financial_pipeline_tests.streaming.engines import ENGINES, ORIGIN, Tables, engine
from financial_pipeline_tests.streaming.stream_world import (
    MINUTE_US,
    Sent,
    broken,
    heartbeats,
    sent,
    trade,
)

START = stream_world.OPENINGS_US[0]
Run = Callable[[list[Sent]], Tables]


NAMES = ("flink", "replay", "sql")
# A job for each case takes its time; the two sessions below go through Flink in every run.
CASES = (pytest.param("flink", marks=[pytest.mark.nightly]), *NAMES[1:])


@pytest.fixture(params=CASES)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run one engine on messages, closed by heartbeats three minutes later."""
    chosen = engine(request.param, request)

    def made(messages: list[Sent]) -> Tables:
        log = FileLog(tmp_path / "log")
        stream_world.write(log, [*messages, *heartbeats(START + 3 * MINUTE_US, 1)])
        return chosen(log, tmp_path / "root")

    return made


def one_symbol(*rows: dict[str, Any]) -> list[Sent]:
    return [sent(row, START + 10_000_000) for row in rows]


def test_a_bar_is_free_of_the_order_of_arrival(run: Run) -> None:
    mark = {"watermark_us": START - 5_000_000}
    tables = run(
        one_symbol(
            trade("JPM", 3, START + 2_000_000, price="101.5000", volume=30, **mark),
            trade("JPM", 1, START, price="100.0000", volume=10, **mark),
            trade("JPM", 4, START + 2_000_000, price="99.2500", volume=40, **mark),
            trade("JPM", 2, START + 1, price="102.0000", volume=20, **mark),
        )
    )
    (bar,) = tables["market_bars_1m"].to_dicts()
    prices = [str(bar[name]) for name in ("open", "high", "low", "close")]
    assert prices == ["100.0000", "102.0000", "99.2500", "99.2500"]
    assert (bar["volume"], bar["trades"], bar["message_count"]) == (100, 4, 4)
    assert bar["notional"] == Decimal("10055.0000")
    assert bar["vwap"] == pytest.approx(100.55, abs=0, rel=1e-15)


def test_an_event_at_the_end_of_a_window_belongs_to_the_next(run: Run) -> None:
    rows = [trade("JPM", 1, START + MINUTE_US - 1), trade("JPM", 2, START + MINUTE_US)]
    bars = run([sent(row, row["event_us"]) for row in rows])["market_bars_1m"]
    assert bars["window_start_us"].to_list() == [START, START + MINUTE_US]
    assert bars["message_count"].to_list() == [1, 1]


def test_late_is_behind_the_own_watermark_by_a_millisecond(run: Run) -> None:
    mark = {"watermark_us": START + 5_000_999}
    rows = [
        trade("JPM", 1, START + 5_000_000, **mark),
        trade("JPM", 2, START + 4_999_999, **mark),
    ]
    tables = run(one_symbol(*rows))
    assert tables["market_bars_1m"]["message_count"].to_list() == [1]
    assert tables["late_messages"]["sequence"].to_list() == [2]
    assert tables["late_messages"]["reason"].to_list() == ["behind_its_producer"]


def test_a_bar_without_counted_trades_says_so(run: Run) -> None:
    rows = [trade("JPM", 1, START, trades=None, vwap_basis="close"), trade("JPM", 2, START + 1)]
    (bar,) = run(one_symbol(*rows))["market_bars_1m"].to_dicts()
    assert (bar["trades"], bar["vwap_basis"]) == (None, "close")


def test_a_bar_without_volume_has_no_vwap(run: Run) -> None:
    (bar,) = run(one_symbol(trade("JPM", 1, START, volume=0)))["market_bars_1m"].to_dicts()
    assert (bar["volume"], bar["vwap"]) == (0, None)


def test_every_broken_message_is_dead_with_its_reason_and_offset(run: Run) -> None:
    planted = broken(START)
    messages = [(0, (START // 1000, b"JPM", text)) for _, text in planted]
    tables = run(messages)
    rows = tables["dead_letters"].select(ORIGIN).sort("source_offset").rows()
    assert rows == [(0, offset, reason) for offset, (reason, _) in enumerate(planted)]
    assert tables["market_bars_1m"].is_empty()


def test_a_bar_has_one_alert_of_the_worst_severity_that_is_new(run: Run) -> None:
    # Seventy calm bars: returns of about 0.001 and log volumes of 0.05 around their means.
    gains, volumes = [0.001, -0.001] * 42, [100, 110] * 42
    gains[70], volumes[70] = 0.0045, 150  # a warning by return, critical by volume
    gains[71] = 0.008  # critical by return, which was only a warning
    volumes[72] = 150  # a warning by volume, which was critical two bars ago
    gains[83], volumes[83] = 0.012, 200  # critical by both
    price, messages = 100.0, []
    for minute, (gain, volume) in enumerate(zip(gains, volumes, strict=True)):
        price *= math.exp(gain)
        at = START + minute * MINUTE_US
        messages.append(trade("JPM", minute + 1, at, price=f"{price:.4f}", volume=volume))
    closed = heartbeats(START + 90 * MINUTE_US, 0)
    alerts = run([*(sent(row, row["event_us"]) for row in messages), *closed])["market_alerts"]
    found = alerts.sort("window_start_us").select("window_start_us", "rule", "severity").rows()
    assert [((start - START) // MINUTE_US, rule, severity) for start, rule, severity in found] == [
        (70, "volume_zscore", "critical"),
        (71, "return_zscore", "critical"),
        (83, "return_zscore", "critical"),
    ]
    assert alerts["alert_id"].n_unique() == 3


@pytest.mark.parametrize("name", CASES)
def test_no_window_closes_while_a_partition_is_silent(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    log = FileLog(tmp_path / "log")
    messages = [*one_symbol(trade("JPM", 1, START)), *heartbeats(START + 2 * MINUTE_US, 1)[:2]]
    stream_world.write(log, messages)
    assert engine(name, request)(log, tmp_path)["market_bars_1m"].is_empty()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> FileLog:
    return stream_world.two_sessions(tmp_path_factory.mktemp("two_sessions") / "log")


@pytest.fixture(scope="module", params=NAMES)
def tables(
    log: FileLog, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tables:
    """The tables of two sessions by one engine."""
    return engine(request.param, request)(log, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def expected(log: FileLog, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The right result of every engine for the two sessions."""
    return ENGINES["sql"](log, tmp_path_factory.mktemp("expected"))


def test_two_sessions_hold_what_the_contract_is_about(expected: Tables) -> None:
    assert expected["market_bars_1m"].height > 500
    assert expected["market_alerts"].height >= 3
    assert expected["late_messages"].height > 20
    assert expected["market_indicators_1m"]["return_zscore"].drop_nulls().len() > 100


@pytest.mark.parametrize("name", COMPARED)
def test_every_engine_gives_the_same_rows(tables: Tables, expected: Tables, name: str) -> None:
    assert tables[name].height == expected[name].height
    assert differing(STREAM_TABLES[name], expected[name], tables[name]).is_empty()


@pytest.mark.parametrize("name", ["late_messages", "dead_letters"])
def test_every_engine_sorts_out_the_same_messages(
    tables: Tables, expected: Tables, name: str
) -> None:
    found, wanted = (one[name].select(ORIGIN).sort(ORIGIN).rows() for one in (tables, expected))
    assert found == wanted
    assert wanted
