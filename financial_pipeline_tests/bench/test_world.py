"""The whole-run benchmark: its readings, and a nightly run over a tiny world."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from financial_pipeline.bench.measuring import slope
from financial_pipeline.bench.world import disk_mb, seconds_by_job, world

REPORT = """\
absent: lending_club_rejections; its assets are skipped
loans_job              2007-06-01 to 2018-12-01      0.8 s        17,433 rows
loans_job              2007-06-01 to 2018-12-01    446.1 s        30,123 rows
publish_job                                          1.6 s
Files: /data (manifest published.json)
"""


def test_seconds_of_both_parts_of_a_job_are_added() -> None:
    assert seconds_by_job(REPORT) == {"loans_job": 446.9, "publish_job": 1.6}


def test_a_linked_file_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 2_000_000)
    os.link(tmp_path / "a", tmp_path / "b")
    assert disk_mb(tmp_path) == 2.0


def test_slope_is_per_million_loans() -> None:
    rows = [{"loans": 500_000, "seconds": 100.0}, {"loans": 2_500_000, "seconds": 400.0}]
    assert slope(rows, "seconds", 1) == 150.0
    assert slope(rows[:1], "seconds", 1) is None


@pytest.mark.nightly
def test_a_tiny_world_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    done = CliRunner().invoke(world, ["--loans", "1500", "--rejections", "1000", "--json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["worlds"]
    assert {"loans_job", "rejections_job", "publish_job"} <= row["jobs"].keys()
    assert row["disk_mb"] > 0
    assert row["again_seconds"] < row["seconds"]
