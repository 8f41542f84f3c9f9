"""New and restated prices, day by day, against everything built at once."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from financial_pipeline_tests.command import CommandRun, figures, run_command

pytestmark = pytest.mark.slow

BANKS = ("JPM", "BAC")
LINES = {
    day: (day, 100.0 + number % 7, 101.5 + number % 7, 99.0 + number % 7, 100.5 + number % 7)
    for number, day in enumerate(
        [f"2018-02-{day:02}" for day in (1, 2, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16)]
        + [f"2018-02-{day}" for day in (20, 21, 22, 23, 26, 27, 28)]
    )
}


def drop(folder: Path, days: list[str], volume: int = 1000) -> None:
    """Write a whole price file of each bank, as a new download of it does."""
    for bank in BANKS:
        rows = [(*LINES[day], LINES[day][4], volume) for day in days]
        text = "\n".join(",".join(map(str, row)) for row in rows)
        header = "Date,Open,High,Low,Close,Adj Close,Volume"
        (folder / f"{bank}.csv").write_text(f"{header}\n{text}\n")


def build(root: Path, landing: Path, *options: str) -> CommandRun:
    done = run_command(root, "demo", "--source", "files", "--landing", str(landing), *options)
    assert done.exit_code == 0, done.errors
    return done


def hashes(root: Path) -> dict[str, str]:
    content: dict[str, Any] = figures(root)
    batch = [row for row in content["tables"] if row["layer"] in ("exports", "metrics")]
    return {row["name"]: row["content_hash"] for row in batch}


@dataclass(frozen=True)
class Daily:
    """A data root that grew day by day, and what the commands printed for one more day."""

    root: Path
    planned: str
    one_more: str
    hashes: dict[str, str]


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINANCIAL_PIPELINE_FIRST_SESSION", "2018-02-01")
        yield tmp_path_factory.mktemp("landing")


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory, landing: Path) -> Daily:
    root, days = tmp_path_factory.mktemp("root"), list(LINES)
    drop(landing, days[:-2])
    assert "2018-02-01 to 2018-02-26" in build(root, landing).output
    drop(landing, days[:-1])
    planned = run_command(root, "plan", "--source", "files", "--landing", str(landing)).output
    one_more = build(root, landing).output
    drop(landing, days, volume=2000)
    build(root, landing)
    return Daily(root, planned, one_more, hashes(root))


def test_one_day_more_builds_that_day(daily: Daily) -> None:
    newest = "2018-02-27 to 2018-02-27"
    assets = [line for line in daily.planned.splitlines() if "/" in line.split()[0]]
    assert assets
    assert all(newest in line for line in assets)
    # Raw files, staging, the warehouse with its exports, and the metrics.
    ended = [line for line in daily.one_more.splitlines() if ": running, " not in line]
    jobs = [line.split()[0] for line in ended if newest in line]
    assert jobs == ["prices_job"] * 3 + ["market_metrics_job"]
    assert not any(name in daily.one_more for name in ("shared_job", "macro_job", "loans_job"))


def test_day_by_day_equals_everything_from_nothing(daily: Daily, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    shutil.copytree(daily.root / "raw", fresh / "raw")
    shutil.copy(daily.root / "world.json", fresh / "world.json")
    assert run_command(fresh, "transform", "--source", "files").exit_code == 0
    assert hashes(fresh) == daily.hashes


@pytest.mark.nightly
def test_day_by_day_equals_a_rebuild(daily: Daily, landing: Path) -> None:
    build(daily.root, landing, "--rebuild")
    assert hashes(daily.root) == daily.hashes
