"""One running Dagster for all tests of this folder: starting it is most of what they cost."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from financial_pipeline_tests.browser.reader import Reader
from financial_pipeline_tests.daemon import market_files, planted
from financial_pipeline_tests.daemon.server import LOOPBACK, Server

Notices = list[dict[str, Any]]


@contextmanager
def webhook(token: str) -> Iterator[tuple[str, Notices]]:
    """Its address, which holds the token, and the bodies that were posted there."""
    notices: Notices = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == f"/{token}":
                notices.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/{token}", notices
        server.shutdown()


def told(notices: Notices, incident: str) -> list[str]:
    """In which order a sink heard of an incident: alert, recovered."""
    return [notice["state"] for notice in notices if notice["incident"] == incident]


WIDTH, HEIGHT = 1600, 1300
SECRETS = {
    "FRED_API_KEY": "planted-key-7d1f0c",
    "FINANCIAL_PIPELINE_ALERT_SMTP_PASSWORD": "planted-password-52be",
}
WEBHOOK_TOKEN = "planted-token-91c4"
LOCATION = "planted"
WORKSPACE = f"""load_from:
  - python_module:
      module_name: {planted.__name__}
      location_name: {LOCATION}
"""


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
    days = market_files.first_delivery(root / "drop")
    server = Server(root, market_files.variables(root / "drop"))
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


@dataclass(frozen=True)
class Faulty:
    """A server whose one code location is the planted one, and what its alert sink was told."""

    server: Server
    faults: Path
    notices: Notices

    def plant(self, *names: str) -> None:
        """Switch faults on."""
        for name in names:
            (self.faults / name).touch()

    def mend(self, *names: str) -> None:
        """Switch faults off."""
        for name in names:
            (self.faults / name).unlink()


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """`dagster dev` over the planted faults, with secrets in its environment and a fake sink."""
    root = tmp_path_factory.mktemp("faulty")
    faults = root / "faults"
    faults.mkdir()
    (root / "workspace.yaml").write_text(WORKSPACE, "utf-8")
    with webhook(WEBHOOK_TOKEN) as (address, notices):
        variables = {
            **SECRETS,
            "FINANCIAL_PIPELINE_SOURCE": "files",
            "FINANCIAL_PIPELINE_ALERT_WEBHOOK": address,
            planted.FAULTS_VARIABLE: str(faults),
        }
        server = Server(root, variables, (root / "workspace.yaml",))
        try:
            server.start()
            yield Faulty(server, faults, notices)
        finally:
            server.stop()
