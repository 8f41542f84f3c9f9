"""The simulated world from the drop folder to the published version, by command."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import nbclient
import nbformat
import pytest

from financial_pipeline.simulator import planted_faults
from financial_pipeline_tests.command import figures, run_command
from financial_pipeline_tests.conftest import PROJECT_ROOT, SMALL_WORLD

pytestmark = pytest.mark.slow

SMALL = ("--loans", SMALL_WORLD)
# Where the run is when it is killed: in the loans' dbt build, and in the price partitions.
KILL_SECONDS = (25.0, 45.0)


@pytest.fixture(scope="module")
def data_root(simulated_root: Path) -> Path:
    return simulated_root


@pytest.fixture(scope="module")
def shown(data_root: Path) -> dict[str, Any]:
    return figures(data_root)


def test_figures_have_the_documented_sections(shown: dict[str, Any]) -> None:
    assert shown["world"]["is_synthetic"] is True
    assert {row["definition"] for row in shown["default_rates"]} == {
        "D0",
        "D1",
        "D2",
        "D3_12",
        "D3_24",
    }
    assert {row["symbol"] for row in shown["prices"]} == {"JPM", "BAC", "C", "WFC", "GS"}
    assert {row["sessions"] for row in shown["prices"]} == {4_840}
    assert {"UNRATE", "GDPC1", "CPIAUCSL", "DTB3"} <= {row["series_id"] for row in shown["macro"]}


def test_metrics_and_model_are_there_without_being_asked_for(shown: dict[str, Any]) -> None:
    metrics = {row["name"]: row for row in shown["metrics"]["tables"]}
    assert {"default_rates_by_grade", "sharpe_ratios", "macro_correlations"} <= set(metrics)
    assert len(metrics) == 9
    assert all(row["rows"] for row in metrics.values())
    assert {"borrower_only", "platform_informed", "gates"} <= set(shown["model"])


def test_the_bars_come_from_flink_and_every_day_equals_the_batch(shown: dict[str, Any]) -> None:
    stream = shown["stream"]
    assert stream["engine"] == "flink"
    days = {row["session_date"]: row for row in stream["parity"]}
    assert list(days) == ["2019-03-28", "2019-03-29"]
    assert all(row["passed"] and row["bars_compared"] > 1900 for row in days.values())
    assert sum(row["late"] for row in days.values()) == stream["late"] == 22
    assert stream["dead_letters"] == 0
    assert {row["topic"]: row["lag"] for row in stream["topics"]}["raw_market_ohlcv"] == 0
    rows = {row["name"]: row["rows"] for row in shown["tables"]}
    assert rows["fct_market_bars"] == rows["market_bars_1m"] > 3_800


@pytest.mark.nightly
def test_without_jars_the_replay_makes_the_same_bars(
    shown: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    monkeypatch.setenv("FINANCIAL_PIPELINE_JARS_DIR", str(jars))
    done = run_command(tmp_path / "root", "demo", "--loans", "300", "--no-analytics")
    assert done.exit_code == 0, done.errors
    assert f"is not in {jars}" in done.output
    assert "The brokerless replay makes the bars instead." in done.output
    content = figures(tmp_path / "root")
    assert content["stream"]["engine"] == "replay"
    assert all(row["passed"] for row in content["stream"]["parity"])
    mine, flinks = _hashes(content), _hashes(shown)
    names = ("market_bars_1m", "market_indicators_1m", "market_alerts", "late_messages")
    for name in (*names, "fct_market_bars", "fct_market_alerts"):
        assert (name, mine[name]) == (name, flinks[name])


def test_rates_stand_within_their_intervals(shown: dict[str, Any]) -> None:
    for row in shown["default_rates"]:
        assert row["rate"] == row["defaults"] / row["loans"]
        assert 0 <= row["low"] <= row["rate"] <= row["high"] <= 1


def test_every_line_of_every_file_is_accounted_for(shown: dict[str, Any]) -> None:
    # Of one bank there is a second download.
    assert len(shown["row_accounting"]) == 13 + 1 + 5 + 5 + 1
    assert {row["unexplained"] for row in shown["row_accounting"]} == {0}


def test_sql_reads_the_published_version(data_root: Path, shown: dict[str, Any]) -> None:
    done = run_command(data_root, "sql", "select count(*) as n from fct_daily_prices")
    assert done.exit_code == 0
    assert str(5 * 4_840) in done.output.replace(",", "")
    faulty = run_command(data_root, "sql", "select nothing from nowhere")
    assert faulty.exit_code == 1
    assert faulty.errors.startswith("Error: DuckDB cannot answer the query")


def test_sql_never_needs_the_warehouse_file(data_root: Path) -> None:
    with duckdb.connect(str(data_root / "warehouse" / "warehouse.duckdb")):
        done = run_command(data_root, "sql", "select 1 as one")
    assert done.exit_code == 0


@pytest.mark.parametrize("name", ["exploration", "modelling"])
def test_notebooks_agree_with_the_figures(
    name: str, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(data_root))
    # As in a kernel of its own: another test may have chosen to draw nothing.
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    folder = PROJECT_ROOT / "notebooks"
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    # Its assertions are the test; a file on disk is left as it is.
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": folder}}
    ).execute()
    charts = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(charts) == {"exploration": 3, "modelling": 1}[name]


def test_the_same_again_builds_nothing(data_root: Path, shown: dict[str, Any]) -> None:
    before = {path: path.stat().st_mtime_ns for path in data_root.rglob("*") if path.is_file()}
    done = run_command(data_root, "demo", *SMALL)
    assert done.exit_code == 0, done.errors
    assert "Nothing changed since the last run" in done.output
    assert planted_faults.SENTENCE in done.output
    after = {path: path.stat().st_mtime_ns for path in data_root.rglob("*") if path.is_file()}
    assert after == before
    again = figures(data_root)
    assert [again[name] for name in ("version", "tables")] == [shown["version"], shown["tables"]]


def test_another_world_in_the_same_root_is_refused(data_root: Path) -> None:
    done = run_command(data_root, "demo", "--loans", "4000")
    assert done.exit_code == 1
    assert "pass --source simulated --loans 3000" in done.errors
    assert "another --data-root" in done.errors


def _kill_after(data_root: Path, seconds: float) -> None:
    executable = Path(sys.executable).with_name("financial-pipeline")
    process = subprocess.Popen(
        [str(executable), "demo", *SMALL, "--rebuild"],
        env={**os.environ, "FINANCIAL_PIPELINE_DATA_ROOT": str(data_root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.nightly
def test_killed_run_leaves_the_published_version_and_the_next_run_is_right(
    data_root: Path, shown: dict[str, Any], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    shutil.copytree(data_root, root)
    for seconds in KILL_SECONDS:
        _kill_after(root, seconds)
        assert figures(root)["tables"] == shown["tables"]
    done = run_command(root, "demo", *SMALL)
    assert done.exit_code == 0, done.errors
    assert _hashes(figures(root)) == _hashes(shown)


def _hashes(content: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["content_hash"] for row in content["tables"]}
