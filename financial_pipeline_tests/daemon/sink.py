"""A webhook on loopback that remembers what it was told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from financial_pipeline_tests.daemon.server import LOOPBACK

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
