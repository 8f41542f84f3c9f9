"""A command has nothing to do only if its files, settings, code and tables are the same."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.changes import unchanged
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import BATCH, publish_tables
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.marts import MARTS
from financial_pipeline.settings import Settings


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "data")
    table = write_table(paths, MARTS["dim_grade"], pl.DataFrame({"grade_key": ["A"]}))
    publish_tables(paths, BATCH, [table], {"source": "files"})
    paths.warehouse_file.parent.mkdir(parents=True)
    paths.warehouse_file.write_bytes(b"")
    return paths


def fingerprint(paths: Paths, file: Path, **settings: int) -> str:
    return unchanged.fingerprint(Settings(**settings), paths, [file], {"layers": "all"})


def test_the_same_is_current_and_a_changed_file_or_setting_is_not(
    paths: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "JPM.csv"
    file.write_text("a")
    now = fingerprint(paths, file)
    assert not unchanged.is_current(paths, now)
    unchanged.remember(paths, now)
    assert unchanged.is_current(paths, fingerprint(paths, file))
    assert not unchanged.is_current(paths, fingerprint(paths, file, default_lag_months=6))
    file.write_text("ab")
    assert not unchanged.is_current(paths, fingerprint(paths, file))


def test_a_lost_table_or_another_version_is_not_current(paths: Paths, tmp_path: Path) -> None:
    unchanged.remember(paths, "same")
    assert unchanged.is_current(paths, "same")
    publish_tables(paths, BATCH, [], {"source": "files"})
    assert not unchanged.is_current(paths, "same")
    unchanged.remember(paths, "same")
    next(paths.data_root.glob("exports/dim_grade/*/*.parquet")).unlink()
    assert not unchanged.is_current(paths, "same")


@pytest.mark.parametrize("damage", [b"", b"PAR1 and no end"])
def test_a_damaged_table_is_not_current(paths: Paths, damage: bytes) -> None:
    unchanged.remember(paths, "same")
    part = next(paths.data_root.glob("exports/dim_grade/*/*.parquet"))
    part.chmod(0o644)
    part.write_bytes(damage)
    assert not unchanged.is_current(paths, "same")
