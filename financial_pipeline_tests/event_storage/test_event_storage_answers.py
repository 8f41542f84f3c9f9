"""The web interface's own API answers alike on stock event storage and on ours."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster_graphql.cli import execute_query

from financial_pipeline_tests.event_storage import event_chain
from financial_pipeline_tests.event_storage.test_event_storage import KEYS, both

__all__ = ["both"]

PARTITION_STATES = """{ assetNodes { assetKey { path }
    partitionStats { numMaterialized numFailed numMaterializing numPartitions }
    assetPartitionStatuses { __typename ... on TimePartitionStatuses {
        ranges { status startKey endKey } } }
    latestMaterializationByPartition(partitions: ["2018-01-01", "2018-03-01"]) {
        partition stepKey metadataEntries { label ... on IntMetadataEntry { intValue } }
        tags { key value } } } }"""
LATEST_EVENTS = """{ assetsOrError { ... on AssetConnection { nodes { key { path }
    assetMaterializations(limit: 70) { partition stepKey label tags { key value } }
    assetObservations(limit: 5) { partition stepKey } } } } }"""
RUN_LISTS = """{ runsOrError { ... on Runs { count results { status jobName stepKeysToExecute
    assetMaterializations { partition assetKey { path } }
    assetCheckEvaluations: assetChecks { name assetKey { path } }
    stats { ... on RunStatsSnapshot { stepsSucceeded stepsFailed materializations expectations } }
    stepStats { stepKey status } eventConnection(limit: 1000) { cursor events { __typename
        ... on MessageEvent { stepKey eventType level } } } } } } }"""
CHECKS = """{ assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks { checks { name
    executionForLatestMaterialization { status evaluation { success severity partition } }
    } } } } }"""


def answer(instance: dg.DagsterInstance, query: str) -> dict[str, Any]:
    place = LoadableTargetOrigin(module_name=event_chain.__name__, attribute="defs")
    origin = InProcessCodeLocationOrigin(place, location_name="chain")
    # In a thread of its own: a browser of other tests may leave an event loop in this one.
    with (
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget([origin])) as context,
        ThreadPoolExecutor(1) as thread,
    ):
        found = thread.submit(execute_query, context, query).result()
    assert "errors" not in found, found
    # Without a version of their own, assets are tagged with the run's id as that of their code.
    [run] = instance.get_runs()
    alike = without_ids_and_plans(found["data"])
    return dict(json.loads(json.dumps(alike).replace(run.run_id, "the run")))


def without_ids_and_plans(value: Any) -> Any:
    """Return an answer without the ids of events and the plans, which our storage does not keep."""
    if isinstance(value, list):
        kept = [item for item in value if not is_id_or_plan(item)]
        return [without_ids_and_plans(item) for item in kept]
    if isinstance(value, dict):
        return {
            name: without_ids_and_plans(item) for name, item in value.items() if name != "cursor"
        }
    return value


def is_id_or_plan(item: Any) -> bool:
    if not isinstance(item, dict):
        return False
    is_plan = item.get("eventType") == "ASSET_MATERIALIZATION_PLANNED"
    return is_plan or "event_pointer" in str(item.get("key"))


@pytest.mark.parametrize("query", [PARTITION_STATES, LATEST_EVENTS, RUN_LISTS, CHECKS])
def test_api_answers_equal_stock_storage(both: dict[str, dg.DagsterInstance], query: str) -> None:
    stock, ours = (answer(both[name], query) for name in ("stock", "ours"))
    assert "first" in str(stock)
    assert ours == stock


def test_api_tells_every_partition(both: dict[str, dg.DagsterInstance]) -> None:
    nodes = answer(both["ours"], PARTITION_STATES)["assetNodes"]
    counts = [node["partitionStats"]["numMaterialized"] for node in nodes]
    assert counts == [len(KEYS)] * 3
