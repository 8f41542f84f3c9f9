"""Every DuckDB connection in memory obeys the settings."""

import re
from pathlib import Path

import pytest

from financial_pipeline.publishing.duckdb_session import in_memory
from financial_pipeline_tests.conftest import PROJECT_ROOT

# The warehouse file, damaged files on purpose, and measurements of DuckDB alone.
OTHER_CONNECTIONS = {"defs/warehouse/assets.py", "drills/damage.py", "bench/metric_marts.py"}


def test_memory_spilled_data_and_progress_follow_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    monkeypatch.setenv("FINANCIAL_PIPELINE_DUCKDB_MEMORY", "512MiB")
    with in_memory() as connection:
        names = ("memory_limit", "temp_directory", "enable_progress_bar")
        columns = ", ".join(f"current_setting('{name}')" for name in names)
        assert connection.execute(f"select {columns}").fetchone() == (
            "512.0 MiB",
            str(tmp_path / "spill"),
            False,
        )
        # Three million different numbers do not fit: they are spilled and come back.
        connection.execute("set memory_limit = '64MiB'")
        query = "select count(*) from (select distinct range * 7 as n from range(3_000_000))"
        assert connection.execute(query).fetchone() == (3_000_000,)
    assert not list((tmp_path / "spill").glob("*"))


def test_no_other_module_opens_a_connection_in_memory() -> None:
    package = PROJECT_ROOT / "financial_pipeline"
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"duckdb\.connect\(|[(,] ?duckdb\.connect\b", path.read_text("utf-8"))
    }
    assert found == OTHER_CONNECTIONS | {"publishing/duckdb_session.py"}


def test_a_new_connection_has_no_unfinished_result() -> None:
    with in_memory() as connection:
        assert connection.sql("select 1").fetchall() == [(1,)]
