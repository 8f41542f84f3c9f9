"""New and restated prices, day by day, against everything built at once."""

import shutil
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


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINANCIAL_PIPELINE_FIRST_SESSION", "2018-02-01")
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


def test_one_day_more_builds_that_day_and_equals_a_rebuild(tmp_path: Path, landing: Path) -> None:
    root, days = tmp_path / "root", list(LINES)
    drop(landing, days[:-2])
    assert "2018-02-01 to 2018-02-26" in build(root, landing).output
    drop(landing, days[:-1])
    planned = run_command(root, "plan", "--source", "files", "--landing", str(landing)).output
    one_more = build(root, landing)
    newest = "2018-02-27 to 2018-02-27"
    assets = [line for line in planned.splitlines() if "/" in line.split()[0]]
    assert assets
    assert all(newest in line for line in assets)
    # Raw files, staging, the warehouse with its exports, and the metrics.
    jobs = [line.split()[0] for line in one_more.output.splitlines() if newest in line]
    assert jobs == ["prices_job"] * 3 + ["market_metrics_job"]
    assert not any(name in one_more.output for name in ("shared_job", "macro_job", "loans_job"))
    drop(landing, days, volume=2000)
    build(root, landing)
    daily = hashes(root)
    build(root, landing, "--rebuild")
    assert hashes(root) == daily
    fresh = tmp_path / "fresh"
    shutil.copytree(root / "raw", fresh / "raw")
    shutil.copy(root / "world.json", fresh / "world.json")
    assert run_command(fresh, "transform", "--source", "files").exit_code == 0
    assert hashes(fresh) == daily
