"""Fixtures of the live sources: a server on loopback, and manners that do not really wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_pipeline.sources.courtesy import Courtesy
from financial_pipeline.sources.yfinance_prices import keep_caches_in
from financial_pipeline_tests.raw.upstream import Upstream, serving


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving() as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    """The waits that a courtesy asked for, in seconds."""
    return []


@pytest.fixture
def courtesy(tmp_path: Path, waits: list[float]) -> Courtesy:
    keep_caches_in(tmp_path / "yfinance")
    return Courtesy(tmp_path / "http", budget=100, cache_seconds=3600, sleep=waits.append)
