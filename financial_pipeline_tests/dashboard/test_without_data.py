"""With nothing published, or only a part, each page says what to run and none fails."""

from pathlib import Path

import pytest

from financial_pipeline import published
from financial_pipeline.paths import Paths
from financial_pipeline_tests.dashboard.app import PAGES, ROOT_VARIABLE, open_page, words


@pytest.fixture(autouse=True)
def _own_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))


def test_nothing_published_says_what_to_run(tmp_path: Path) -> None:
    app = open_page(tmp_path, "portfolio")
    assert not app.exception
    assert "make demo" in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_page_without_its_tables_says_what_to_run(tmp_path: Path, page: str) -> None:
    published.publish(Paths(tmp_path), {"source": "files", "is_synthetic": False})
    app = open_page(tmp_path, page)
    assert not app.exception
    assert "Nothing to show here yet" in words(app)
