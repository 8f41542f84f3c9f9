"""The report: the figures of the pages in one file, which asks nobody for anything."""

import re
from pathlib import Path

import polars as pl
from click.testing import CliRunner

from financial_pipeline.cli.main import commands
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline_tests.dashboard import world
from financial_pipeline_tests.dashboard.app import metrics, open_page


def _written(folder: Path, root: Path) -> str:
    file = folder / "report.html"
    arguments = ["report", "--data-root", str(root), "-o", str(file)]
    result = CliRunner().invoke(commands, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Wrote {file}")
    return file.read_text("utf-8")


def test_report_has_the_figures_of_the_pages_with_counts_intervals_and_sources(
    whole_world: Path, tmp_path: Path
) -> None:
    document = _written(tmp_path, whole_world)
    for page in ("portfolio", "market", "model"):
        shown = metrics(open_page(whole_world, page))
        label = {"portfolio": "Default rate (matured)", "market": "Volatility, 63"}.get(
            page, "Calibration bias"
        )
        assert f'<td>{label}</td><td class="n">{shown[label]}</td>' in document
    assert "n 300 matured loans · 95% 16.0% to 25.0% · as of 2019-03" in document
    assert "<strong>The model of cut-off 2015-04-01 is served</strong>" in document
    assert "Source: <code>metrics/portfolio_summary</code> as of 2019-03-01." in document
    assert "<strong>Simulated data</strong> (seed 1)" in document
    version = re.search(r"version <code>(.+?)</code>", document)
    assert version is not None
    assert version[1] in document.split("</title>")[0]


def test_report_makes_no_request_and_prints(whole_world: Path, tmp_path: Path) -> None:
    document = _written(tmp_path, whole_world)
    assert not re.search(r"(?i)https?:|<script|<link|<img|@import|url\(|src=", document)
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'\"" in document
    assert "@media print" in document
    assert document.count("<svg") == 3


def test_absent_figures_have_their_reason_and_text_stays_text(
    data_root: Path, tmp_path: Path
) -> None:
    paths = Paths(data_root)
    hostile = world.summary().with_columns(measure=pl.lit("<script>alert(1)</script>"))
    world.put(paths, "metrics/portfolio_summary", hostile)
    publication.publish(paths, ["test"], world.SIMULATED)
    document = _written(tmp_path, data_root)
    assert (
        "exports/fct_daily_prices is not published. Run <code>financial-pipeline demo</code>."
        in document
    )
    assert "No rate of matured loans is known yet." in document
    assert "<script" not in document


def test_a_folder_that_does_not_exist_is_named(whole_world: Path, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "report.html"
    result = CliRunner().invoke(commands, ["report", "-o", str(file)])
    assert f"The folder {file.parent} does not exist" in str(result.exception)
