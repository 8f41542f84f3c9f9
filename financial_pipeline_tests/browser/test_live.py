"""The Live page moves by itself: its panel follows what lands, and the page around it stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect

from financial_pipeline.bench.dashboard_client import served
from financial_pipeline.paths import Paths
from financial_pipeline_tests.browser.reader import Reader
from financial_pipeline_tests.dashboard import world

# Puts a mark on the heading, which only a new heading would lose.
MARK = "() => { document.querySelector('h1').dataset.seen = 'before' }"
SEEN = "() => document.querySelector('h1').dataset.seen"


def test_what_lands_shows_without_a_new_page_and_a_standing_stream_is_said(
    browser: Browser, tmp_path: Path
) -> None:
    paths, now = Paths(tmp_path), datetime.now(UTC)
    world.land(paths, now)
    with served(tmp_path) as (address, _):
        reader = Reader(browser, address)
        reader.open("live")
        bars = reader.page.get_by_test_id("stMetric").filter(has_text="Bars")
        stalled = reader.page.get_by_text("The stream stands still")
        expect(bars).to_contain_text("3")
        expect(stalled).to_have_count(0)
        reader.page.evaluate(MARK)
        world.land(paths, now, minutes=4)
        expect(bars.get_by_test_id("stMetricValue")).to_have_text("4", timeout=30_000)
        world.land(paths, now - timedelta(minutes=10), minutes=4)
        expect(stalled).to_be_visible(timeout=30_000)
        assert reader.page.evaluate(SEEN) == "before"
        assert (reader.exceptions(), reader.errors) == ([], [])
