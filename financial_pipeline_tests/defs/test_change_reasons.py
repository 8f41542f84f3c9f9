"""Reasons to build an asset, and the contents that are known before anything is built."""

import os
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from financial_pipeline.changes import state
from financial_pipeline.changes.state import Built
from financial_pipeline.defs import command
from financial_pipeline.defs.command import Command, Layers
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.publishing.publication import publish
from financial_pipeline_tests.defs.changed_world import (
    ALL,
    DAYS,
    MART,
    METRIC,
    METRICS,
    MODEL,
    PRICES,
    RAW,
    REST,
    STAGED,
    Versions,
    World,
    built_world,
)

CHAIN = [RAW, STAGED, MODEL, MART]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return built_world(tmp_path, monkeypatch)


def test_a_changed_file_reaches_every_later_asset_of_the_plan(world: World) -> None:
    world.raw = "2"
    assert world.changes(world.publication()).reasons(PRICES, CHAIN) == {
        "raw/bank_prices": "changed: raw/bank_prices",
        "staging/bank_prices": "changed: raw/bank_prices",
        "warehouse/fct_daily_prices": "changed: staging/bank_prices",
        "exports/fct_daily_prices": "changed: warehouse/fct_daily_prices",
    }


def test_each_reason_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    model = "warehouse/fct_daily_prices"

    def reason(run: FamilyRun = PRICES) -> str | None:
        return world.changes(world.publication()).reasons(run, [MODEL]).get(model)

    assert reason() is None
    assert reason(FamilyRun("prices_job", DAYS[0], "2019-04-01")) == "other partitions"
    assert reason(FamilyRun("prices_job", "2019-03-22", DAYS[-1])) == "other partitions"
    assert reason(FamilyRun("shared_job")) == "other partitions"
    world.lag = 6
    assert reason() == "a setting changed"
    monkeypatch.setattr(Versions, "changed", model)
    assert reason() == "its code changed"
    state.forget(world.paths, {model})
    assert reason() == "not built yet"


def test_a_damaged_file_is_the_reason_why_its_table_is_built(world: World) -> None:
    (part,) = world.paths.data_root.glob("exports/fct_daily_prices/*/*.parquet")
    part.unlink()
    changes = world.changes(world.publication())
    assert changes.reasons(PRICES, REST) == {
        "exports/fct_daily_prices": "its files were lost or changed since it was built"
    }
    assert changes.reasons(METRICS, [METRIC]) == {}


def test_an_edited_staging_partition_is_staged_again(world: World) -> None:
    file = world.paths.staging("bank_prices") / f"{DAYS[1]}.parquet"
    rows, later = pl.read_parquet(file), file.stat().st_mtime + 60

    def staged(edited: pl.DataFrame) -> dict[str, str]:
        edited.write_parquet(file)
        os.utime(file, (later, later))
        return world.changes(world.publication()).reasons(PRICES, [STAGED])

    assert staged(rows) == {}
    lost = {"staging/bank_prices": "its files were lost or changed since it was built"}
    assert staged(rows.with_columns(value=pl.lit(99, pl.Int64))) == lost
    file.write_bytes(b"junk")
    assert world.changes(world.publication()).reasons(PRICES, [STAGED]) == lost


@pytest.mark.parametrize("layers", ["all", "ingest"])
def test_a_damaged_table_of_every_publication_is_a_reason_to_publish(
    world: World, monkeypatch: pytest.MonkeyPatch, layers: Layers
) -> None:
    publication = world.publication()
    world.write(publication, dg.AssetKey(["exports", "row_accounting"]))
    publish(world.paths, [publication.run], {})
    executed: list[str] = []
    monkeypatch.setattr(Command, "_execute", lambda _, run, keys: executed.append(run.job))
    monkeypatch.setattr(command, "keys_of", lambda *_: [])

    def published() -> list[str]:
        executed.clear()
        changes = world.changes(world.publication())
        whole: Any = None
        Command(whole, whole, publication, print, layers, changes).publish()
        return executed

    assert published() == []
    (part,) = world.paths.data_root.glob("exports/row_accounting/*/*.parquet")
    part.unlink()
    assert published() == (["publish_job"] if layers == "all" else [])


def test_an_input_of_an_earlier_run_of_the_plan_counts_as_changed(world: World) -> None:
    changes = world.changes(world.publication())
    assert changes.reasons(METRICS, [METRIC]) == {}
    assert changes.reasons(METRICS, [METRIC], {"exports/fct_daily_prices"}) == {
        "metrics/market_risk": "changed: exports/fct_daily_prices"
    }
    # The landing keeps a ledger of its own.
    assert changes.reasons(PRICES, [RAW], {"landing/bank_prices"}) == {}


def test_a_rebuild_builds_everything(world: World) -> None:
    assert world.command(rebuild=True) == ALL
    assert world.command() == []


def test_one_session_more_is_built_alone(world: World) -> None:
    friday = DAYS[4]
    del world.rows[friday]
    (world.paths.staging("bank_prices") / f"{friday}.parquet").unlink()
    world.command(rebuild=True, last=DAYS[3])
    world.raw, world.rows[friday] = "2", 3
    layers = ("raw", "staging", "warehouse", "exports", "metrics")
    assert world.command() == [f"{layer} 03-29..03-29" for layer in layers]
    assert world.command() == []


def test_a_table_that_another_publication_replaced_is_built_again(world: World) -> None:
    other = world.publication()
    world.rows[DAYS[2]] = 9
    world.write(other, MART)
    publish(world.paths, [other.run], {})
    world.rows[DAYS[2]] = 1
    assert world.command() == ["exports 03-25..03-29"]
    assert world.command() == []


def test_a_published_table_without_its_file_is_built_again(world: World) -> None:
    next(world.paths.data_root.glob("exports/*/*/*.parquet")).unlink()
    assert world.command() == ["exports 03-25..03-29"]


def test_the_entry_of_a_table_that_is_no_longer_published_counts_for_nothing(
    world: World,
) -> None:
    state.remember(world.paths, {"metrics/gone": Built("old", "", None, wrote="1")})
    assert world.command() == []


def test_a_session_that_left_the_files_leaves_the_entry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Versions, "changed", "staging/bank_prices")
    del world.rows[DAYS[2]]
    assert world.command()[0] == "staging 03-25..03-29"
    assert state.read(world.paths)["staging/bank_prices"].files.keys() == world.rows.keys()
    assert world.command() == []


def test_the_content_of_a_small_staging_table_is_foreseen(world: World) -> None:
    world.raw = "2"
    changes = world.changes(world.publication())
    reasons = changes.reasons(PRICES, CHAIN)
    rest = {"warehouse/fct_daily_prices", "exports/fct_daily_prices"}
    assert changes.foreseen(PRICES, reasons) == rest
    # Its rows will be equal, so that nothing follows.
    assert changes.reasons(PRICES, REST) == {}


def test_a_foreseen_change_of_rows_is_built(world: World) -> None:
    world.raw, world.rows[DAYS[3]] = "2", 7
    changes = world.changes(world.publication())
    changes.foreseen(PRICES, changes.reasons(PRICES, [RAW, STAGED]))
    reasons = changes.reasons(PRICES, REST)
    assert reasons["warehouse/fct_daily_prices"] == "changed: staging/bank_prices"
    narrowed = changes.narrow(PRICES, reasons)
    assert (narrowed.first, narrowed.last) == (DAYS[3], DAYS[4])


def test_nothing_is_foreseen_of_a_refused_file_or_of_other_jobs(world: World) -> None:
    world.raw, world.is_refused = "2", True
    changes = world.changes(world.publication())
    reasons = changes.reasons(PRICES, [RAW, STAGED])
    assert changes.foreseen(PRICES, reasons) == {"staging/bank_prices"}
    assert changes.foreseen(FamilyRun("model_job"), {"ml/model": "not built yet"}) == {"ml/model"}
    assert changes.foreseen(PRICES, {"raw/bank_prices": "its code changed"}) == set()


def test_nothing_is_foreseen_before_the_first_build(world: World) -> None:
    changes = world.changes(world.publication(), rebuild=True)
    reasons = changes.reasons(PRICES, [RAW, STAGED])
    assert set(reasons.values()) == {"not built yet"}
    assert changes.foreseen(PRICES, reasons) == {"staging/bank_prices"}
