"""With nothing published, or only a part, each page says what to run and shows what is there."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.dashboard.pages import PAGES as DECLARED
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline_tests.dashboard import world, world_markets
from financial_pipeline_tests.dashboard.app import PAGES, metrics, open_page, words

DIMENSIONS = ("dim_geography", "dim_purpose", "dim_borrower_profile")
LOANS = {f"exports/{name}" for name in ("fct_loans", *DIMENSIONS)}
MACRO = {"exports/agg_macro_indicators", "metrics/macro_correlations"}
# Whether a table is published.
SITUATIONS: dict[str, Callable[[str], bool]] = {
    "an empty version": lambda key: False,
    "loans alone": lambda key: key in LOANS,
    "no analytics": lambda key: not key.startswith(("metrics/", "ml/")),
    "no stream": lambda key: not key.startswith("stream/"),
    "the stream alone": lambda key: key.startswith("stream/"),
    "no model": lambda key: not key.startswith("ml/"),
    "no macro series": lambda key: key not in MACRO,
}
# Charts that are left of each page, in the order of PAGES.
CHARTS = {
    "an empty version": (0, 0, 0, 0, 0, 0, 0, 0),
    "loans alone": (1, 1, 0, 0, 0, 0, 0, 0),
    "no analytics": (1, 1, 2, 1, 0, 0, 2, 1),
    "no stream": (4, 7, 7, 2, 10, 2, 0, 1),
    "the stream alone": (0, 0, 0, 0, 0, 0, 2, 0),
    "no model": (4, 7, 7, 2, 0, 0, 2, 1),
    "no macro series": (4, 7, 7, 0, 10, 2, 2, 1),
}
# The newest card that needs no other table than those named.
CARDS = {
    "portfolio": ("Loans", {"metrics/portfolio_summary"}),
    "credit": ("Approval rate", {"metrics/portfolio_summary"}),
    "market": ("Volatility, 63", {"exports/fct_daily_prices", "metrics/market_risk"}),
    "macro": ("Unemployment", {"exports/agg_macro_indicators"}),
    "model": ("KS", {"ml/evaluation"}),
    "decide": ("Approval rate", {"ml/threshold_table"}),
    "live": ("Lag", {"stream/status"}),
    "health": ("Lines read", {"exports/row_accounting"}),
}


def _publish_only(whole: Path, part: Path, holds: Callable[[str], bool]) -> None:
    """The tables of `whole` for which `holds`, published below `part`."""
    content = json.loads(Paths(whole).manifest.read_text("utf-8"))
    for channel in content.values():
        channel["tables"] = {key: row for key, row in channel["tables"].items() if holds(key)}
    Paths(part).manifest.write_text(json.dumps(content), "utf-8")
    for layer in whole.iterdir():
        if layer.is_dir() and not (part / layer.name).exists():
            (part / layer.name).symlink_to(layer)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_page_says_what_is_missing_and_shows_the_rest(
    written_world: Path, data_root: Path, situation: str, page: str
) -> None:
    holds = SITUATIONS[situation]
    _publish_only(written_world, data_root, holds)
    app = open_page(data_root, page)
    assert not app.exception
    said = words(app)
    missing = [key for key in DECLARED[page].tables if not holds(key)]
    assert ("Nothing to show here yet" in said) == bool(missing)
    assert ("Run `financial-pipeline demo`" in said) == bool(missing)
    assert len(app.get("vega_lite_chart")) == CHARTS[situation][PAGES.index(page)]
    card, needed = CARDS[page]
    assert (card in metrics(app)) == all(map(holds, needed))


@pytest.mark.parametrize("page", PAGES)
def test_page_without_one_of_its_tables_names_it(
    written_world: Path, data_root: Path, page: str
) -> None:
    app = open_page(data_root, page)
    for gone in DECLARED[page].tables:
        _publish_only(written_world, data_root, lambda key, gone=gone: key != gone)
        app.run()
        assert not app.exception, gone
        assert f"{gone} is not published. Run `financial-pipeline demo`" in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_page_over_tables_without_a_row_says_so(
    written_world: Path, data_root: Path, page: str
) -> None:
    paths = Paths(data_root)
    for key, table in read_manifest(Paths(written_world)).tables.items():
        files = parquet_files(Paths(written_world), table)
        world.put(paths, key, pl.read_parquet(files).clear(), None)
    publication.publish(paths, ["test"], world.SIMULATED)
    app = open_page(data_root, page)
    assert not app.exception
    assert "no rows" in words(app) or page == "live"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_published_says_what_to_run(data_root: Path, page: str) -> None:
    app = open_page(data_root, page)
    assert not app.exception
    assert app.title[0].value == page.capitalize()
    assert "Nothing is published" in words(app)
    assert "financial-pipeline demo" in words(app)


def test_own_files_that_did_not_come_are_named_with_their_way_in(data_root: Path) -> None:
    publication.publish(Paths(data_root), ["test"], {"source": "files", "is_synthetic": False})
    assert "Put the files into the drop folder, then run `financial-pipeline ingest`" in words(
        open_page(data_root, "market")
    )
    assert "financial-pipeline demo" not in words(open_page(data_root, "market"))
    assert "financial-pipeline stream up" in words(open_page(data_root, "live"))


def test_metrics_without_their_files_name_them_once(data_root: Path) -> None:
    paths = Paths(data_root)
    world_markets.market(paths)
    publication.publish(paths, ["test"], {"source": "files", "is_synthetic": False})
    said = words(open_page(data_root, "portfolio"))
    summary = "metrics/portfolio_summary is not published. It needs loan files. Put the files into"
    assert summary in said
    assert "Run `financial-pipeline transform`." not in said
    assert "A click on a bar" not in said
    loans = "exports/fct_loans, exports/dim_geography, exports/dim_purpose,"
    assert said.count(loans) == 1
    assert said.count("see the notice above") == 2
    world.put(paths, "exports/fct_loans", world.loans())
    publication.publish(paths, ["test"], {"source": "files", "is_synthetic": False})
    said = words(open_page(data_root, "portfolio"))
    assert "metrics/portfolio_summary is not published. Run `financial-pipeline transform`." in said


def test_table_whose_files_are_gone_is_named_as_damaged(small_world: Path) -> None:
    shutil.rmtree(small_world / "ml" / "threshold_table")
    app = open_page(small_world, "decide")
    assert not app.exception
    assert "The files of ml/threshold_table in" in words(app)
    assert "not published" not in words(app)
