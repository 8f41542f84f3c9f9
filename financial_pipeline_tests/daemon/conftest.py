"""One running Dagster for all tests of this folder: starting it is most of what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from financial_pipeline_tests.browser.reader import Reader
from financial_pipeline_tests.daemon import world
from financial_pipeline_tests.daemon.server import Server

WIDTH, HEIGHT = 1600, 1300


@dataclass(frozen=True)
class Running:
    """The server, its drop folder, and the days that the first delivery holds."""

    server: Server
    drop: Path
    days: list[date]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`dagster dev` over two banks whose files were dropped and not archived yet."""
    root = tmp_path_factory.mktemp("running")
    days = world.first_delivery(root / "drop")
    server = Server(root, world.variables(root / "drop"))
    try:
        server.start()
        yield Running(server, root / "drop", days)
    finally:
        server.stop()


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    """A tab on the web interface that met no error and fetched nothing from elsewhere."""
    reader = Reader(browser, running.server.address)
    reader.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    yield reader.page
    reader.context.close()
    assert reader.errors == []
    assert reader.blocked == []
