"""Live says how the stream stands; Health says what is late, red or unexplained."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from financial_pipeline.dashboard.stream_figures import STALL_SECONDS, Pulse, span, stall_words
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import published
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import metrics, open_page, words

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_running_stream_shows_its_counts_and_no_banner(data_root: Path) -> None:
    world.stream(Paths(data_root), datetime.now(UTC))
    published.publish(Paths(data_root), world.SIMULATED)
    app = open_page(data_root, "live")
    assert not app.exception
    assert not app.error
    shown = metrics(app)
    assert (shown["Watermark age"], shown["Lag"], shown["Bars"]) == ("30 s", "7", "3")
    assert (shown["Late"], shown["Dead letters"]) == ("1", "2")
    assert "stream/market_alerts is not published" in words(app)
    assert "3 bars compared, 0 differ: stream and batch are equal" in words(app)


def test_standing_stream_shows_a_banner(data_root: Path) -> None:
    world.stream(Paths(data_root), datetime.now(UTC) - timedelta(minutes=10))
    published.publish(Paths(data_root), world.SIMULATED)
    app = open_page(data_root, "live")
    assert "The stream has stopped: last observed 10 min ago" in app.error[0].value


def test_stall_begins_after_its_limit() -> None:
    at_limit = Pulse(NOW - timedelta(seconds=STALL_SECONDS), None, 0, "flink")
    assert stall_words(NOW, at_limit) is None
    assert stall_words(NOW + timedelta(seconds=1), at_limit)
    assert stall_words(NOW, Pulse(None, None, 0, "")) == "The stream was never observed."


def test_watermark_of_simulated_trades_is_held_against_their_world() -> None:
    watermark, start = datetime(2019, 3, 29, 20, tzinfo=UTC), datetime(2019, 3, 31, tzinfo=UTC)
    assert Pulse(NOW, watermark, 0, "flink", start).watermark_age == 28 * 3600
    assert Pulse(NOW, start + timedelta(hours=2), 0, "flink", start).watermark_age == 0
    assert Pulse(NOW, NOW - timedelta(seconds=30), 0, "flink", start).watermark_age == 30


def test_span_uses_the_largest_fitting_unit() -> None:
    spans = [span(seconds) for seconds in (5, 600, 10_800, 864_000)]
    assert spans == ["5 s", "10 min", "3 h", "10 days"]


def test_health_counts_what_is_red(whole_world: Path) -> None:
    app = open_page(whole_world, "health")
    shown = metrics(app)
    assert shown["Overdue tables"] == "1"
    assert (shown["Failing checks"], shown["Failed runs"]) == ("1", "1")
    assert "of 2, 1 blocking" in words(app)
    assert (shown["Lines read"], shown["Quarantined"], shown["Unexplained lines"]) == (
        "10",
        "2",
        "0",
    )


def test_health_links_to_the_asset_in_dagster(whole_world: Path) -> None:
    app = open_page(whole_world, "health")
    tables = next(t.value for t in app.dataframe if "content hash" in t.value.columns)
    assert "http://127.0.0.1:3000/assets/exports/fct_loans" in set(tables["asset"])
