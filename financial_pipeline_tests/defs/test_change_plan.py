"""The assets that a run builds: by code, setting, partitions and the content of inputs."""

from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import whole_files
from financial_pipeline_tests.defs.changed_world import ALL, Versions, World, built_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return built_world(tmp_path, monkeypatch)


def test_nothing_changed_builds_nothing(world: World) -> None:
    assert world.command() == []


def test_one_changed_session_is_rebuilt_with_all_later_ones(world: World) -> None:
    world.raw, world.rows["2019-03-28"] = "2", 7
    narrow = [f"{layer} 03-28..03-29" for layer in ("warehouse", "exports", "metrics")]
    assert world.command() == ["raw 03-29..03-29", "staging 03-28..03-28", *narrow]
    assert world.command() == []


def test_a_new_file_with_equal_rows_stops_at_staging(world: World) -> None:
    world.raw = "2"
    assert world.command() == ["raw 03-29..03-29", "staging 03-29..03-29"]
    assert world.command() == []


def test_a_file_that_will_be_refused_narrows_no_staging(world: World) -> None:
    world.raw, world.is_refused = "2", True
    assert world.command() == ["raw 03-29..03-29", "staging 03-25..03-29"]


def test_a_setting_or_code_builds_what_reads_it_over_all_partitions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.lag = 6
    # The mart is built again with equal content, so the metric stays.
    assert world.command() == ["warehouse 03-25..03-29", "exports 03-25..03-29"]
    monkeypatch.setattr(Versions, "changed", "metrics/market_risk")
    assert world.command() == ["metrics 03-25..03-29"]


def test_a_changed_session_beside_changed_code_narrows_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Versions, "changed", "warehouse/fct_daily_prices")
    world.raw, world.rows["2019-03-28"] = "2", 7
    narrow = ["raw 03-29..03-29", "staging 03-28..03-28"]
    assert world.command() == [*narrow, *ALL[2:]]


def test_a_killed_command_is_repeated_over_all_partitions(world: World) -> None:
    world.raw, world.rows["2019-03-28"] = "2", 7
    world.command(is_killed=True)
    assert world.command() == ALL


def test_a_lost_warehouse_or_partition_is_built_again(world: World) -> None:
    world.paths.warehouse_file.unlink()
    assert world.command() == ["warehouse 03-25..03-29", "exports 03-25..03-29"]
    (world.paths.staging("bank_prices") / "2019-03-27.parquet").unlink()
    assert "staging 03-25..03-29" in world.command()


@pytest.mark.parametrize("content", [b"junk", None])
def test_a_table_with_a_changed_file_is_built_again(world: World, content: bytes | None) -> None:
    (part,) = world.paths.data_root.glob("exports/fct_daily_prices/*/*.parquet")
    rows = pl.read_parquet(part)
    part.chmod(0o644)
    if content is None:
        rows.select(pl.all().first()).write_parquet(part)
    else:
        part.write_bytes(content)
    assert world.command() == ["exports 03-25..03-29"]
    table = read_manifest(world.paths).table("exports/fct_daily_prices")
    assert pl.read_parquet(whole_files(world.paths, table)).equals(rows)
    assert world.command() == []


def test_a_file_withdrawn_after_a_killed_command_leaves_no_trace(world: World) -> None:
    world.raw, world.rows["2019-03-28"] = "2", 7
    world.command(is_killed=True)
    world.raw, world.rows["2019-03-28"] = "1", 1
    assert world.command()[2:4] == ["warehouse 03-25..03-29", "exports 03-25..03-29"]
