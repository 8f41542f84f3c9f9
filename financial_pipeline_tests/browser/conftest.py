"""The app as a reader meets it: a server of its own on a free port, and Debian's Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from financial_pipeline.bench.dashboard_client import serve_dashboard
from financial_pipeline_tests.browser.reader import Reader
from financial_pipeline_tests.dashboard import whole


@pytest.fixture(scope="session")
def served_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with every table, written by hand."""
    return whole.write(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def address(served_root: Path) -> Iterator[str]:
    """The address of the app over that data root."""
    with serve_dashboard(served_root) as (where, _):
        yield where


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Reader]:
    """A reader who saw no error and was led nowhere else by the end of the test."""
    reader = Reader(browser, address)
    yield reader
    reader.context.close()
    assert reader.errors == []
    assert reader.blocked == []
