"""The Market page over odd data: banks without metrics, one session, no breach."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.dashboard import report
from financial_pipeline.dashboard.data import open_release
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline_tests.dashboard import world, world_markets
from financial_pipeline_tests.dashboard.app import metrics, open_page, words

PRICES = "exports/fct_daily_prices"
MEASURED = [
    f"metrics/{name}"
    for name in ("rolling_volatility", "sharpe_ratios", "market_risk", "return_correlations")
]


def _changed(data_root: Path, **change: pl.Expr) -> None:
    """Publish the market; keep the rows of `keep`, or replace columns of the metrics."""
    paths = Paths(data_root)
    world_markets.market(paths)
    publication.publish(paths, ["test"], world.SIMULATED)
    tables = read_manifest(paths).tables
    for key in MEASURED[:3]:
        frame = pl.read_parquet(parquet_files(paths, tables[key]))
        keep = change.get("keep", pl.lit(True))
        new = {name: one for name, one in change.items() if name in frame.columns}
        world.put(paths, key, frame.filter(keep).with_columns(**new), world_markets.LAST)
    publication.publish(paths, ["test"], world.SIMULATED)


def test_a_bank_that_is_not_in_the_metrics_yet_is_named(data_root: Path) -> None:
    _changed(data_root, keep=pl.col("symbol") == "JPM")
    app = open_page(data_root, "market", bank="GS", var_bank="GS")
    assert not app.exception
    assert "The metrics do not contain GS yet: run `financial-pipeline transform`." in words(app)
    assert "GS has too few sessions for a forecast." in words(app)
    app.selectbox(key="bank").set_value("JPM").run()
    assert metrics(app)["Volatility, 63"] == "25.0%"
    assert "The metrics do not contain GS yet" in report.build(open_release())


def test_one_session_has_no_change_since_itself(data_root: Path) -> None:
    last = world_markets.SESSIONS[-1]
    _changed(data_root, keep=pl.col("session_date") == last, volatility_21d=pl.lit(None))
    app = open_page(data_root, "market")
    assert not app.exception
    assert {card.delta for card in app.metric} == {""}
    assert metrics(app)["Volatility, 21"] == "–"
    assert "too few sessions so far  \nas of 2019-03-01" in words(app)
    assert "JPM has too few sessions for a forecast." not in words(app)


def test_too_few_breaches_for_the_second_test_are_said_to_be_so(data_root: Path) -> None:
    _changed(data_root, hits=pl.lit(0), christoffersen_p_value=pl.lit(None, pl.Float64))
    said = words(open_page(data_root, "market"))
    assert "0 of 59; p of the count 0.500 (Kupiec), too few breaches for a test of their" in said


def test_a_tiny_p_value_is_not_zero(data_root: Path) -> None:
    _changed(data_root, kupiec_p_value=pl.lit(1e-9))
    said = words(open_page(data_root, "market"))
    assert "p of the count below 0.001 (Kupiec), of independent breaches 0.600" in said


def test_a_correlation_of_one_bank_names_what_it_needs(data_root: Path) -> None:
    _changed(data_root)
    paths = Paths(data_root)
    key = MEASURED[3]
    files = parquet_files(paths, read_manifest(paths).tables[key])
    world.put(paths, key, pl.read_parquet(files).clear(), None)
    publication.publish(paths, ["test"], world.SIMULATED)
    assert "A correlation needs prices of two banks." in words(open_page(data_root, "market"))


@pytest.mark.parametrize(("count", "noun"), [(1, "1 session with a"), (2, "2 sessions with a")])
def test_flagged_returns_are_counted_in_words(data_root: Path, count: int, noun: str) -> None:
    is_flagged = (pl.col("symbol") == "GS") & pl.col("session_date").is_in(
        world_markets.SESSIONS[-count:]
    )
    _changed(data_root, return_note=pl.when(is_flagged).then(pl.lit("beyond_25_percent")))
    assert f"GS: {noun} return beyond 25%" in words(open_page(data_root, "market"))
