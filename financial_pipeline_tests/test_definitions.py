"""The asset graph loads, and every asset in it follows the house."""

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import dagster as dg
import pytest

from financial_pipeline_tests.conftest import PROJECT_ROOT

EXTERNAL_LAYERS = {"landing", "topics", "dashboard", "operations"}
LAYERS = {path.name for path in (PROJECT_ROOT / "financial_pipeline" / "defs").iterdir()}
DEFS_PREFIX = "financial_pipeline.defs."
# What only some steps or pages need; every step's own process loads all definitions.
NEEDED_BY_FEW = {"sklearn", "skops", "scipy.special", "scipy.stats", "streamlit", "yfinance"}
LOAD = """import sys
from financial_pipeline.definitions import defs
assert defs().get_repository_def().get_all_jobs()
print("loaded:", *sorted(sys.modules))"""


@cache
def definitions() -> dg.Definitions:
    from financial_pipeline.definitions import defs

    return defs()


@cache
def specs() -> tuple[dg.AssetSpec, ...]:
    return tuple(definitions().resolve_all_asset_specs())


def executable_assets() -> Iterator[dg.AssetsDefinition]:
    repository = definitions().get_repository_def()
    yield from {id(item): item for item in repository.assets_defs_by_key.values()}.values()


def test_definitions_load_and_hold_assets_of_every_layer() -> None:
    layers = {spec.key.path[0] for spec in specs()}
    assert {"raw", "staging", "warehouse", "exports"} <= layers


def test_definitions_load_once_for_equal_settings() -> None:
    from financial_pipeline.definitions import defs

    first = defs()
    assert defs() is first


def test_group_is_the_first_part_of_the_key() -> None:
    wrong = [spec.key.to_user_string() for spec in specs() if spec.group_name != spec.key.path[0]]
    assert wrong == []


def test_keys_have_two_parts() -> None:
    assert [spec.key.to_user_string() for spec in specs() if len(spec.key.path) != 2] == []


@pytest.mark.parametrize("field", ["description", "owners"])
def test_every_asset_says_what_it_is_and_whose(field: str) -> None:
    assert [spec.key.to_user_string() for spec in specs() if not getattr(spec, field)] == []


def test_every_table_knows_the_version_of_its_code() -> None:
    from financial_pipeline.defs.code_versions import VERSIONED, modules, roots_of

    versioned = [spec for spec in specs() if spec.key.path[0] in VERSIONED]
    assert [spec.key.to_user_string() for spec in versioned if not spec.code_version] == []
    names = {root for spec in versioned for root in roots_of("/".join(spec.key.path))}
    assert names
    assert names <= set(modules())


def test_external_assets_are_declared_edges_of_the_graph() -> None:
    # A mistyped key in `deps=` becomes an external asset without a word from Dagster.
    graph = definitions().resolve_asset_graph()
    outside = {key for key in graph.get_all_asset_keys() if not graph.get(key).is_executable}
    assert [key.to_user_string() for key in outside if key.path[0] not in EXTERNAL_LAYERS] == []
    assert outside <= {spec.key for spec in specs()}


def folder_of(item: dg.AssetsDefinition) -> str:
    """The folder under `defs/` whose code computes an asset."""
    function: Any = item.op.compute_fn
    module = getattr(function, "decorated_fn", function).__module__
    return module.removeprefix(DEFS_PREFIX).split(".")[0]


def test_layer_is_the_folder_that_defines_the_asset() -> None:
    wrong = [
        f"{key.to_user_string()} in {folder_of(item)}"
        for item in executable_assets()
        if item.is_executable
        for key in item.keys
        if key.path[0] != folder_of(item)
    ]
    assert wrong == []


def test_partitioned_assets_backfill_a_range_in_one_run() -> None:
    wrong = [
        key.to_user_string()
        for item in executable_assets()
        if item.is_executable and item.partitions_def
        if item.backfill_policy != dg.BackfillPolicy.single_run()
        for key in item.keys
    ]
    assert wrong == []


def test_plain_checks_and_jobs_resolve() -> None:
    repository = definitions().get_repository_def()
    assert repository.get_all_jobs()


def test_definitions_load_without_what_only_some_steps_need() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    *_, line = done.stdout.splitlines()
    modules = set(line.removeprefix("loaded: ").split())
    assert "financial_pipeline.ml.train" in modules
    assert modules & NEEDED_BY_FEW == set()


def test_stream_follows_its_messages_and_all_else_follows_the_plan() -> None:
    by_itself = {spec.key.path[-1] for spec in specs() if spec.automation_condition}
    assert {"market_bars", "fct_market_bars", "published_manifest"} <= by_itself
    assert not by_itself & {"bank_prices", "fct_loans", "sharpe_ratios", "row_accounting"}


def test_schedules_and_sensors_say_whether_they_start_switched_on() -> None:
    repository = definitions().get_repository_def()
    running = {
        item.name
        for item in (*repository.sensor_defs, *repository.schedule_defs)
        if item.default_status.value == "RUNNING"
    }
    # What starts runs is switched on by people; what watches them always runs.
    assert running & {"operations_sensor", "stream_tables_sensor", "drop_folder_sensor"} == {
        "operations_sensor"
    }
    assert {item.execution_timezone for item in repository.schedule_defs} == {"America/New_York"}


def test_every_step_that_opens_the_warehouse_file_waits_in_its_pool() -> None:
    # DuckDB admits one writing process: without the pool, runs side by side would fail.
    uses = {"dbt", "warehouse"}
    writers = [item for item in executable_assets() if uses & item.required_resource_keys]
    assert len(writers) > 10
    assert [item.op.name for item in writers if item.op.pool != "warehouse"] == []
