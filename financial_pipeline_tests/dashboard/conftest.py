"""Each test has a data root of its own, which the app finds through the environment."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_pipeline.dashboard import drawing
from financial_pipeline_tests.dashboard import whole, world
from financial_pipeline_tests.dashboard.app import ROOT_VARIABLE


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """AppTest leaves the app as `__main__`; processes that later tests spawn would run it again."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(autouse=True)
def checked_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chart that a test draws is checked against the schema, which pages skip."""
    monkeypatch.setattr(drawing, "IS_CHECKED", True)


@pytest.fixture
def data_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty data root."""
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def small_world(data_root: Path) -> Path:
    """Loans, their summary and thresholds, written by hand."""
    world.publish(data_root)
    return data_root


@pytest.fixture(scope="session")
def written_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every table that a page shows, written by hand; only to be read."""
    return whole.write(tmp_path_factory.mktemp("written"))


@pytest.fixture
def whole_world(written_world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data root that holds every table."""
    monkeypatch.setenv(ROOT_VARIABLE, str(written_world))
    return written_world
