"""The app as a reader meets it: a server of its own on a free port, and Debian's Chromium."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from financial_pipeline.dashboard import launch
from financial_pipeline_tests.browser.reader import Reader
from financial_pipeline_tests.dashboard import whole
from financial_pipeline_tests.dashboard.app import ROOT_VARIABLE

START_SECONDS = 90


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((launch.LOOPBACK, 0))
        return int(listener.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("The dashboard did not start.")


@pytest.fixture(scope="session")
def served_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with every table, written by hand."""
    return whole.write(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def address(served_root: Path) -> Iterator[str]:
    """Where the app is served over that data root."""
    port = free_port()
    environment = os.environ | {ROOT_VARIABLE: str(served_root)}
    server = subprocess.Popen(launch.streamlit_command(port), env=environment)
    try:
        _wait(server, launch.address(port))
        yield launch.address(port)
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Reader]:
    """A reader who saw no error and was led nowhere else by the end of the test."""
    reader = Reader(browser, address)
    yield reader
    reader.context.close()
    assert reader.errors == []
    assert reader.blocked == []
