"""`--source live` as a user runs it: one whole run, then a dead network and a refused key."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from financial_pipeline_tests.command import CommandRun, figures, run_command
from financial_pipeline_tests.raw.half_year import REVERSE_SPLIT, environment, fill
from financial_pipeline_tests.raw.upstream import KEY, Upstream, serving

pytestmark = pytest.mark.slow
DEMO = ("demo", "--source", "live", "--no-analytics")
PLANTED = "planted0planted0planted0planted0"


@dataclass(frozen=True)
class LiveRun:
    """A data root after one run on a local upstream, and that upstream."""

    root: Path
    upstream: Upstream
    done: CommandRun


@pytest.fixture(scope="module")
def run(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRun]:
    root = tmp_path_factory.mktemp("live")
    with serving() as upstream, pytest.MonkeyPatch.context() as patch:
        fill(upstream, shared_data)
        for name, value in environment(upstream).items():
            patch.setenv(name, value)
        yield LiveRun(
            root, upstream, run_command(root, "demo", "--source", "live", "--no-analytics")
        )


def sql(root: Path, query: str) -> str:
    return run_command(root, "sql", query).output


def files_with(root: Path, secret: str) -> list[Path]:
    wanted = secret.encode()
    return [path for path in root.rglob("*") if path.is_file() and wanted in path.read_bytes()]


def test_the_whole_river_runs_on_live_data(run: LiveRun) -> None:
    assert run.done.exit_code == 0, run.done.errors
    assert "GDP: 3,199 values from FRED, 245 of them missing" in run.done.output
    shown = figures(run.root)
    assert {row["symbol"]: row["sessions"] for row in shown["prices"]} == dict.fromkeys(
        ("BAC", "C", "GS", "JPM", "WFC"), 145
    )
    assert shown["world"] == {"source": "live", "is_synthetic": False}
    assert {row["unexplained"] for row in shown["row_accounting"]} == {0}
    query = "select distinct source from marts.fct_daily_prices"
    assert "yfinance" in sql(run.root, query)
    split = f"select split_ratio from marts.fct_daily_prices where session_date = '{REVERSE_SPLIT}'"
    assert "0.1" in sql(run.root, f"{split} and symbol = 'C'")


@pytest.mark.parametrize(("day", "value"), [("2014-02-15", 17102.5), ("2014-03-01", 17080.7)])
def test_gdp_is_as_it_was_known(run: LiveRun, day: str, value: float) -> None:
    done = run_command(run.root, "as-of", "GDP", "2013-10-01", day, "--json")
    assert json.loads(done.output)["value"] == value


def test_the_key_appears_nowhere(run: LiveRun) -> None:
    assert any("series_id=GDP" in target for target in run.upstream.asked)
    assert (run.root / "dagster_home").is_dir()
    assert list((run.root / "cache" / "http").glob("*.json"))
    assert files_with(run.root, KEY) == []
    assert KEY not in run.done.output + run.done.errors


@pytest.mark.parametrize("case", ["refused key", "no key", "dead network"])
def test_a_run_that_cannot_fetch_is_one_sentence_and_leaves_what_was_published(
    run: LiveRun, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    before = figures(run.root)
    changes: dict[str, Callable[[], tuple[str, str]]] = {
        "refused key": lambda: ("FRED_API_KEY", PLANTED),
        "no key": lambda: ("FRED_API_KEY", ""),
        "dead network": lambda: ("FINANCIAL_PIPELINE_YAHOO_URL", "http://127.0.0.1:9"),
    }
    monkeypatch.setenv(*changes[case]())
    failed = run_command(run.root, *DEMO)
    assert (failed.exit_code, failed.errors.strip().count("\n")) == (1, 0)
    expected = "cannot be reached" if case == "dead network" else "fredaccount.stlouisfed.org"
    assert expected in failed.errors
    assert PLANTED not in failed.output + failed.errors
    assert files_with(run.root, PLANTED) == []
    assert figures(run.root) == before
    assert os.environ["FRED_API_KEY"] in (KEY, PLANTED, "")
