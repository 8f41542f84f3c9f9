"""Fixtures of the live sources: a client that does not really wait."""

from pathlib import Path

import pytest

from financial_pipeline.sources.http_client import HttpClient
from financial_pipeline.sources.yfinance_prices import keep_caches_in


@pytest.fixture
def waits() -> list[float]:
    """The waits of the client, in seconds."""
    return []


@pytest.fixture
def http(tmp_path: Path, waits: list[float]) -> HttpClient:
    keep_caches_in(tmp_path / "yfinance")
    return HttpClient(tmp_path / "http", budget=100, cache_seconds=3600, sleep=waits.append)
