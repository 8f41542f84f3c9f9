"""With nothing published, or only a part, each page says what to run and none fails."""

import shutil
from pathlib import Path

import pytest

from financial_pipeline import published
from financial_pipeline.paths import Paths
from financial_pipeline_tests.dashboard.app import PAGES, metrics, open_page, words


def test_nothing_published_says_what_to_run(data_root: Path) -> None:
    app = open_page(data_root, "portfolio")
    assert not app.exception
    assert "make demo" in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_page_without_its_tables_says_what_to_run(data_root: Path, page: str) -> None:
    published.publish(Paths(data_root), {"source": "files", "is_synthetic": False})
    app = open_page(data_root, page)
    assert not app.exception
    assert "Nothing to show here yet" in words(app)


def test_page_with_a_part_of_its_tables_shows_that_part(small_world: Path) -> None:
    app = open_page(small_world, "portfolio")
    assert not app.exception
    assert metrics(app)["Default rate (matured)"] == "20.0%"
    assert "metrics/vintage_curves is not published" in words(app)
    assert "**300** matured loans, **60** bad (20.00%)" in words(app)


def test_table_whose_files_are_gone_counts_as_missing(small_world: Path) -> None:
    shutil.rmtree(small_world / "ml" / "threshold_table")
    app = open_page(small_world, "decide")
    assert not app.exception
    assert "ml/threshold_table is not published" in words(app)
