"""Runs and checks are written down once, whoever started them, and never move published data."""

import json
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from financial_pipeline.alerts import operations
from financial_pipeline.defs.operations import descriptions, record
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import PublishedTable, read_manifest
from financial_pipeline.settings import Settings

DAYS = dg.DailyPartitionsDefinition("2019-03-25", end_date="2019-03-30")


@dg.asset(
    key=["staging", "days"],
    partitions_def=DAYS,
    check_specs=[
        dg.AssetCheckSpec(
            "adds_up", asset=["staging", "days"], blocking=True, description="Sums agree."
        )
    ],
)
def days(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    if context.partition_key == "2019-03-26":
        raise ValueError("the file of this day is torn")
    good = context.partition_key != "2019-03-27"
    result = dg.AssetCheckResult(check_name="adds_up", passed=good, metadata={"rows": 5})
    return dg.MaterializeResult(check_results=[result])


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    publication.Publication(paths, "test").register(
        PublishedTable("exports", "prices", "exports/prices/1", 1, "abc")
    )
    (tmp_path / "exports" / "prices" / "1").mkdir(parents=True)
    publication.publish(paths, ["test"], {"source": "simulated"})
    return paths


def run_days(instance: dg.DagsterInstance, *keys: str) -> None:
    for key in keys:
        dg.materialize([days], partition_key=key, instance=instance, raise_on_error=False)


def test_runs_and_checks_are_recorded_once(paths: Paths) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_days(instance, "2019-03-25", "2019-03-26", "2019-03-27")
        assert record(instance, paths, Settings()) == 3
        assert record(instance, paths, Settings()) == 0
        run_days(instance, "2019-03-28")
        assert record(instance, paths, Settings()) == 1
    runs = operations.read(paths, "runs")
    assert runs["status"].to_list() == ["SUCCESS", "FAILURE", "FAILURE", "SUCCESS"]
    assert runs["partitions"].to_list() == [f"2019-03-{day}" for day in (25, 26, 27, 28)]
    assert runs["error"][1] == "ValueError: the file of this day is torn"
    checks = operations.read(paths, "check_results")
    assert checks["passed"].to_list() == [True, False, True]
    assert json.loads(checks["metadata_json"][0]) == {"rows": 5}


def test_a_result_without_words_gets_those_of_its_check(paths: Paths) -> None:
    graph = dg.Definitions(assets=[days]).resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:
        run_days(instance, "2019-03-25")
        record(instance, paths, Settings(), lambda: descriptions(graph))
    assert operations.read(paths, "check_results")["description"].to_list() == ["Sums agree."]


def test_record_leaves_the_published_version_as_it_is(paths: Paths) -> None:
    before = json.loads(paths.manifest.read_text())["batch"]
    with dg.DagsterInstance.ephemeral() as instance:
        run_days(instance, "2019-03-25")
        record(instance, paths, Settings())
    assert json.loads(paths.manifest.read_text())["batch"] == before
    manifest = read_manifest(paths)
    assert {"operations/runs", "operations/check_results", "operations/freshness"} < set(
        manifest.tables
    )
    publication.publish(paths, ["test"], {"source": "simulated"})
    assert "operations/runs" not in json.loads(paths.manifest.read_text())["batch"]["tables"]


def test_freshness_is_judged_from_the_data_and_not_from_the_run(paths: Paths) -> None:
    folder = "exports/fct_daily_prices/1"
    (paths.data_root / folder).mkdir(parents=True)
    old = PublishedTable("exports", "fct_daily_prices", folder, 1, "abc", as_of="2019-03-01")
    publication.Publication(paths, "test").register(old)
    publication.publish(paths, ["test"], {"source": "simulated"})
    with dg.DagsterInstance.ephemeral() as instance:
        run_days(instance, "2019-03-25")
        record(instance, paths, Settings())
    row = operations.read(paths, "freshness").filter(pl.col("asset_key").str.ends_with("prices"))
    assert row["state"].to_list() == ["overdue"]
