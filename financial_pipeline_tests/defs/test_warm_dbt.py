"""The warm dbt answers as dbt does: outputs, exit codes, environment, and without its process."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_pipeline.defs.warehouse.warm_dbt import VARIABLE, warm_dbt
from financial_pipeline_tests.conftest import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_project"
PLACE = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT))
SECONDS = 300
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def executable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A warm dbt on an empty warehouse."""
    folder = tmp_path_factory.mktemp("warm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patch.setenv("DBT_LOG_PATH", str(folder))
        patch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(folder))
        patch.setenv("FINANCIAL_PIPELINE_WAREHOUSE", str(folder / "warehouse.duckdb"))
        with warm_dbt(PROJECT, folder / "target"):
            yield os.environ[VARIABLE]


def run(executable: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [executable, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False
    )


def test_a_call_builds_and_frees_the_warehouse_for_the_next(executable: str) -> None:
    for _ in range(2):
        done = run(executable, "seed", "--select", "us_states", *PLACE)
        assert done.returncode == 0, done.stdout
        assert "PASS=1" in done.stdout


def test_the_environment_of_the_call_is_what_dbt_reads(
    executable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Of the same name: the catalogue of the parsed relations is called as the file is.
    other = tmp_path / "warehouse.duckdb"
    monkeypatch.setenv("FINANCIAL_PIPELINE_WAREHOUSE", str(other))
    assert run(executable, "seed", "--select", "us_states", *PLACE).returncode == 0
    assert other.exists()


def test_a_failing_call_has_its_exit_code_and_says_why(executable: str) -> None:
    done = run(executable, "build", "--no-such-option")
    assert done.returncode != 0
    assert "--no-such-option" in done.stdout + done.stderr


def test_without_the_warm_process_dbt_is_started_the_ordinary_way(tmp_path: Path) -> None:
    with warm_dbt(tmp_path / "no_project", tmp_path):
        done = run(os.environ[VARIABLE], "--version")
    assert done.returncode == 0
    assert "duckdb" in done.stdout
    assert VARIABLE not in os.environ
