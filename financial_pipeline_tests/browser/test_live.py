"""The Live page moves by itself: its panel follows what lands, and the page around it stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from financial_pipeline.bench.dashboard_client import serve_dashboard
from financial_pipeline.paths import Paths
from financial_pipeline_tests.browser.reader import Reader
from financial_pipeline_tests.dashboard import world

# Puts a mark on the heading, which only a new heading would lose.
MARK = "() => { document.querySelector('h1').dataset.seen = 'before' }"
SEEN = "() => document.querySelector('h1').dataset.seen"


class Runs:
    """The server's runs for a tab: whether each is of fragments alone."""

    def __init__(self, reader: Reader) -> None:
        self.of_fragments: list[bool] = []
        reader.page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._note)

    def _note(self, frame: bytes | str) -> None:
        message = ForwardMsg.FromString(frame if isinstance(frame, bytes) else b"")
        if message.WhichOneof("type") == "script_finished":
            ended = message.script_finished
            self.of_fragments.append(ended == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


def test_what_lands_shows_without_a_new_page_and_a_standing_stream_is_said(
    browser: Browser, tmp_path: Path
) -> None:
    paths, now = Paths(tmp_path), datetime.now(UTC)
    world.land(paths, now)
    with serve_dashboard(tmp_path) as (address, _):
        reader = Reader(browser, address)
        runs = Runs(reader)
        reader.open("live")
        bars = reader.page.get_by_test_id("stMetric").filter(has_text="Bars")
        bars = bars.get_by_test_id("stMetricValue")
        stalled = reader.page.get_by_text("The stream is stopped")
        expect(bars).to_have_text("3")
        expect(stalled).to_have_count(0)
        reader.page.evaluate(MARK)
        runs.of_fragments.clear()
        world.land(paths, now, minutes=4)
        expect(bars).to_have_text("4", timeout=30_000)
        world.land(paths, now - timedelta(minutes=10), minutes=4)
        expect(stalled).to_be_visible(timeout=30_000)
        assert set(runs.of_fragments) == {True}
        assert reader.page.evaluate(SEEN) == "before"
        assert (reader.exceptions(), reader.errors) == ([], [])
