"""A chart without its input names the file to drop; what is published is shown."""

from pathlib import Path

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world, world_markets
from financial_pipeline_tests.dashboard.app import open_page, words

OWN_FILES = {"source": "files", "is_synthetic": False}


def test_an_indicator_without_its_series_names_the_file(data_root: Path) -> None:
    world_markets.macro(Paths(data_root))
    publication.publish(Paths(data_root), ["test"], OWN_FILES)
    app = open_page(data_root, "macro", series="bill_rate_discount")
    app.selectbox(key="series").set_value("bill_rate_discount").run()
    said = words(app)
    assert "Three-month bill needs DTB3: drop DTB3.csv. Put the files into the drop folder" in said


def test_sharpe_ratios_without_a_bill_rate_name_it_and_the_other_charts_are_shown(
    data_root: Path,
) -> None:
    paths = Paths(data_root)
    world_markets.market(paths)
    cells = pl.DataFrame({"symbol": world_markets.BANKS}).join(
        pl.DataFrame({"session_date": world_markets.SESSIONS}), how="cross"
    )
    no_rate = dict.fromkeys(
        ("sharpe_252d", "sharpe_252d_standard_error", "bill_return"), pl.lit(None, pl.Float64)
    )
    world.put(paths, "metrics/sharpe_ratios", cells.with_columns(**no_rate), world_markets.LAST)
    publication.publish(paths, ["test"], world.SIMULATED)
    app = open_page(data_root, "market")
    assert not app.exception
    assert "The Sharpe ratio needs DTB3: drop DTB3.csv." in words(app)
    assert len(app.get("vega_lite_chart")) == 6
