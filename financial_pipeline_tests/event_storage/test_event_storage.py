"""The batched event storage answers as stock storage does, and survives a kill."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import DagsterEventType

from financial_pipeline.event_storage import BatchedSqliteEventLogStorage
from financial_pipeline.event_storage.batches import BATCH_SIZE_VARIABLE
from financial_pipeline_tests.conftest import PROJECT_ROOT

ASSETS = ("first", "second", "third")
PARTITIONS = dg.DailyPartitionsDefinition("2018-01-01", end_date="2018-03-02")
KEYS = PARTITIONS.get_partition_keys()
TAG = "dagster/asset_partition_range_"
RANGE = {f"{TAG}start": KEYS[0], f"{TAG}end": KEYS[-1]}
# Small enough that a range of 60 partitions takes several batches.
BATCH_SIZE = "25"


def chain() -> list[Any]:
    """Three partitioned assets in a row, each with a data version, and one check."""

    def build(name: str, upstream: list[str]) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            deps=upstream,
            partitions_def=PARTITIONS,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def body(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            context.log_event(dg.AssetObservation(name, partition=KEYS[0]))
            return dg.MaterializeResult(metadata={"rows": 1}, data_version=dg.DataVersion("v1"))

        return body

    @dg.asset_check(asset="third")
    def rows_are_counted() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    pairs = zip(ASSETS, [[], ["first"], ["second"]], strict=True)
    return [*(build(name, upstream) for name, upstream in pairs), rows_are_counted]


def materialize_range(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    *assets, check = chain()
    definitions = dg.Definitions(assets=assets, asset_checks=[check])
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, tags=RANGE)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    shutil.copy(PROJECT_ROOT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    # Set and deleted, so that what the storage sets is undone with it.
    monkeypatch.setenv(BATCH_SIZE_VARIABLE, "0")
    monkeypatch.delenv(BATCH_SIZE_VARIABLE)
    with dg.DagsterInstance.get() as batched:
        yield batched


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dg.DagsterInstance]]:
    """The same range materialized twice, on stock storage and on ours."""
    instances = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("stock", "ours"):
            home = tmp_path_factory.mktemp(name)
            source = PROJECT_ROOT / "dagster.yaml"
            shutil.copy(source, home) if name == "ours" else (home / "dagster.yaml").touch()
            patch.setenv("DAGSTER_HOME", str(home))
            patch.setenv(BATCH_SIZE_VARIABLE, BATCH_SIZE if name == "ours" else "0")
            instances[name] = dg.DagsterInstance.get()
            assert materialize_range(instances[name]).success
        yield instances
    for instance in instances.values():
        instance.dispose()


def stored_rows(storage: Any, query: str, shard: str = "index") -> list[tuple[Any, ...]]:
    """Return rows of our file, or of a shard of stock storage."""
    is_ours = isinstance(storage, BatchedSqliteEventLogStorage)
    file = storage.get_db_path() if is_ours else storage.path_for_shard(shard)
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def test_dagster_yaml_names_the_batched_storage_and_turns_batches_on(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    storage = instance.event_log_storage
    assert type(storage) is BatchedSqliteEventLogStorage
    assert Path(storage.get_db_path()) == tmp_path / "history/runs/index.db"
    assert os.environ[BATCH_SIZE_VARIABLE] == "1000"


def test_index_uses_a_write_ahead_log(both: dict[str, dg.DagsterInstance]) -> None:
    assert stored_rows(both["ours"].event_log_storage, "pragma journal_mode") == [("wal",)]


def test_run_has_the_events_of_stock_storage_once_without_fulfilled_plans(
    both: dict[str, dg.DagsterInstance],
) -> None:
    query = (
        "select dagster_event_type, step_key, asset_key, partition from event_logs"
        " where dagster_event_type <> 'ASSET_MATERIALIZATION_PLANNED' order by id"
    )
    rows = {}
    for name, item in both.items():
        rows[name] = stored_rows(item.event_log_storage, query, item.get_runs()[0].run_id)
    assert len(rows["stock"]) > len(ASSETS) * len(KEYS)
    assert rows["ours"] == rows["stock"]
    assert [path.name for path in event_files(both["ours"])] == ["index.db"]
    planned = "select partition from event_logs where dagster_event_type like '%PLANNED'"
    assert stored_rows(both["ours"].event_log_storage, planned) == [(None,)]


def event_files(instance: dg.DagsterInstance) -> list[Path]:
    folder = Path(instance.event_log_storage.get_db_path()).parent  # type: ignore[attr-defined]
    return sorted(folder.glob("*.db"))


@pytest.mark.parametrize(
    "query",
    [
        # Without the ids of events, which are those of all events here.
        "select asset_key, key, value from asset_event_tags where key not like '%pointer%'"
        " order by id",
        "select asset_key, asset_details, wipe_timestamp from asset_keys order by id",
        # Stock storage also plans a row per partition, which no later event ever updates.
        "select asset_key, check_name, partition, execution_status,"
        " evaluation_event_storage_id > materialization_event_storage_id"
        " from asset_check_executions"
        " where execution_status <> 'PLANNED'",
    ],
)
def test_index_tables_equal_stock_storage(both: dict[str, dg.DagsterInstance], query: str) -> None:
    rows = {name: stored_rows(item.event_log_storage, query) for name, item in both.items()}
    assert rows["stock"]
    assert rows["ours"] == rows["stock"]


def test_planned_check_of_a_range_is_one_row_that_its_evaluation_ends(
    both: dict[str, dg.DagsterInstance],
) -> None:
    query = "select execution_status from asset_check_executions"
    assert stored_rows(both["ours"].event_log_storage, query) == [("SUCCEEDED",)]


def in_order(ids: dict[str, int]) -> list[str]:
    """Return partitions by the ids of their events; the ids themselves are of no interest."""
    return sorted(ids, key=ids.__getitem__)


def answers(instance: dg.DagsterInstance, name: str) -> dict[str, Any]:
    """Answer the UI's questions about one asset, without run ids and times."""
    key = dg.AssetKey(name)
    storage = instance.event_log_storage
    unfinished = (
        storage.get_latest_asset_partition_materialization_attempts_without_materializations
    )
    [record] = storage.get_asset_records([key])
    made = DagsterEventType.ASSET_MATERIALIZATION
    latest = record.asset_entry
    last = latest.last_materialization
    return {
        "partitions": storage.get_materialized_partitions(key),
        "in_order": in_order(storage.get_latest_storage_id_by_partition(key, made)),
        "tags": storage.get_latest_tags_by_partition(key, made, ["dagster/data_version"]),
        "last": last and last.dagster_event.partition,
        "last_run_is_this": latest.last_run_id == instance.get_runs()[0].run_id,
        "keys": sorted(storage.all_asset_keys()),
        "unfinished": list(unfinished(key)),
    }


@pytest.mark.parametrize("name", ASSETS)
def test_asset_answers_equal_stock_storage(both: dict[str, dg.DagsterInstance], name: str) -> None:
    stock, ours = (answers(both[side], name) for side in ("stock", "ours"))
    assert stock["partitions"] == set(KEYS)
    assert stock["in_order"] == KEYS
    assert ours == stock


KILLED = """
    import itertools, os, signal, sys
    import dagster as dg
    import financial_pipeline_tests.event_storage.test_event_storage as test

    batches, index = itertools.count(1), test.BatchedSqliteEventLogStorage._index_asset_events

    def killed_in_mid_batch(self, *arguments):
        index(self, *arguments)
        next(batches) < int(sys.argv[1]) or os.kill(os.getpid(), signal.SIGKILL)

    test.BatchedSqliteEventLogStorage._index_asset_events = killed_in_mid_batch
    test.materialize_range(dg.DagsterInstance.get())
"""


@pytest.mark.parametrize("batch", [4, 10], ids=["planning", "materializing"])
def test_kill_in_mid_batch_loses_nothing_that_a_second_run_does_not_restore(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setenv(BATCH_SIZE_VARIABLE, BATCH_SIZE)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(batch)]
    killed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    storage = instance.event_log_storage
    query = "select count(*) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
    assert stored_rows(storage, query)[0][0] % int(BATCH_SIZE) in (0, len(KEYS) % int(BATCH_SIZE))
    unfinished = (
        storage.get_latest_asset_partition_materialization_attempts_without_materializations
    )
    assert all(set(unfinished(dg.AssetKey(name))) <= set(KEYS) for name in ASSETS)
    assert materialize_range(instance).success
    for name in ASSETS:
        partitions = storage.get_materialized_partitions(dg.AssetKey(name))
        assert partitions == set(KEYS)
