"""The dashboard answers no page whose name was bound to loopback (DNS rebinding)."""

import base64
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_pipeline.dashboard import launch
from financial_pipeline_tests.conftest import PROJECT_ROOT

START_SECONDS = 120.0


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((launch.LOOPBACK, 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a dashboard over an empty data root."""
    number, root = _free_port(), tmp_path_factory.mktemp("root")
    environment = {**os.environ, "FINANCIAL_PIPELINE_DATA_ROOT": str(root)}
    command = launch.streamlit_command(number)
    with subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment) as server:
        try:
            _wait(f"{launch.address(number)}/_stcore/health")
            yield number
        finally:
            server.terminate()


def _wait(address: str) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < ends
            time.sleep(0.2)


def _status(port: int, host: str, origin: str) -> int:
    """Return the status of a websocket's handshake."""
    key = base64.b64encode(b"0123456789abcdef").decode()
    with socket.create_connection((launch.LOOPBACK, port), timeout=20) as connection:
        lines = (
            "GET /_stcore/stream HTTP/1.1",
            f"Host: {host}:{port}",
            f"Origin: http://{origin}:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        )
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(connection.recv(100).split()[1])


@pytest.mark.slow
def test_only_names_of_loopback_are_answered(port: int) -> None:
    assert _status(port, "127.0.0.1", "127.0.0.1") == 101
    assert _status(port, "localhost", "localhost") == 101
    assert _status(port, "evil.example", "evil.example") == 403
    assert _status(port, "127.0.0.1", "evil.example") == 403


def test_the_settings_name_loopback_only() -> None:
    settings = (Path(launch.APP).parent / ".streamlit" / "config.toml").read_text("utf-8")
    assert 'address = "127.0.0.1"' in settings
    assert 'allowedHosts = ["127.0.0.1", "localhost"]' in settings
