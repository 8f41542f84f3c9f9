"""Simulated rows in a world of own files are named wherever figures are read."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.figures import figures, figures_table
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import PAGES, ROOT_VARIABLE, open_page, words

OWN_FILES = {"source": "files", "is_synthetic": False}
SENTENCE = "Contains simulated data: fct_loans (100 of 400 rows)."


def _publish(folder: Path, simulated: int) -> Paths:
    paths = Paths(folder)
    source = pl.when(pl.col("loan_key") < simulated).then(pl.lit("simulated")).otherwise("source")
    late = {"default_d3_12": pl.lit(0), "default_d3_24": pl.lit(0)}
    world.put(paths, "exports/fct_loans", world.loans().with_columns(source=source, **late))
    publication.publish(paths, ["test"], OWN_FILES)
    return paths


@pytest.mark.parametrize(("simulated", "is_named"), [(0, False), (100, True)])
def test_figures_name_simulated_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], simulated: int, is_named: bool
) -> None:
    paths = _publish(tmp_path, simulated)
    content = figures.figures(paths)
    assert [row["synthetic_rows"] for row in content["synthetic"]] == [100] * is_named
    figures_table.show(content, paths)
    assert (SENTENCE in capsys.readouterr().out) == is_named


@pytest.mark.parametrize("page", ["portfolio", "health"])
def test_pages_name_simulated_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    assert page in PAGES
    _publish(tmp_path, 100)
    assert SENTENCE in words(open_page(tmp_path, page))
    _publish(tmp_path, 0)
    assert "imulated" not in words(open_page(tmp_path, page))
