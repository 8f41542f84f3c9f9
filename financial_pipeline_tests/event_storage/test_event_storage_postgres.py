"""The batched PostgreSQL storage answers as the stock one does, and survives a kill."""

import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
import yaml
from sqlalchemy import create_engine, text

from financial_pipeline.event_storage.batches import BATCH_SIZE_VARIABLE
from financial_pipeline.event_storage.postgres import BatchedPostgresEventLogStorage
from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.event_storage.test_event_storage import (
    ASSETS,
    BATCH_SIZE,
    KEYS,
    answers,
    materialize_range,
)
from financial_pipeline_tests.postgres import server

URL = "FINANCIAL_PIPELINE_POSTGRES_URL"
PROFILE = PROJECT_ROOT / "docs" / "dagster.postgres.yaml"


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    with server("stock", "ours", "killed") as found:
        yield found


def make_instance(home: Any, address: str, patch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    patch.setenv("DAGSTER_HOME", str(home))
    patch.setenv(URL, address)
    patch.setenv(BATCH_SIZE_VARIABLE, BATCH_SIZE)
    return dg.DagsterInstance.get()


@pytest.fixture(scope="module")
def both(
    addresses: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dg.DagsterInstance]]:
    instances = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("stock", "ours"):
            home = tmp_path_factory.mktemp(name)
            content = yaml.safe_load(PROFILE.read_text("utf-8"))
            if name == "stock":
                content["event_log_storage"] |= {
                    "module": "dagster_postgres.event_log",
                    "class": "PostgresEventLogStorage",
                }
            (home / "dagster.yaml").write_text(yaml.safe_dump(content))
            instances[name] = make_instance(home, addresses[name], patch)
            assert materialize_range(instances[name]).success
        yield instances
    for instance in instances.values():
        instance.dispose()


def rows_of(address: str, query: str) -> list[tuple[Any, ...]]:
    engine = create_engine(address)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found


def test_profile_names_the_batched_storage(both: dict[str, dg.DagsterInstance]) -> None:
    assert type(both["ours"].event_log_storage) is BatchedPostgresEventLogStorage
    assert type(both["stock"].event_log_storage) is not BatchedPostgresEventLogStorage


@pytest.mark.parametrize(
    "query",
    [
        # Ours removes the plans that were fulfilled.
        "select dagster_event_type, step_key, asset_key, partition from event_logs"
        " where dagster_event_type <> 'ASSET_MATERIALIZATION_PLANNED' order by id",
        "select asset_key, key, value from asset_event_tags order by id",
        "select asset_key, asset_details, wipe_timestamp from asset_keys order by asset_key",
        "select asset_key, check_name, partition, execution_status from asset_check_executions"
        " where execution_status <> 'PLANNED'",
    ],
)
def test_rows_equal_stock_storage(
    both: dict[str, dg.DagsterInstance], addresses: dict[str, str], query: str
) -> None:
    stock, ours = (rows_of(addresses[name], query) for name in ("stock", "ours"))
    assert stock
    assert ours == stock


@pytest.mark.parametrize("name", ASSETS)
def test_asset_answers_equal_stock_storage(both: dict[str, dg.DagsterInstance], name: str) -> None:
    stock, ours = (answers(both[side], name) for side in ("stock", "ours"))
    assert stock["partitions"] == set(KEYS)
    assert ours == stock


KILLED = """
    import itertools, os, signal, sys
    import dagster as dg
    from financial_pipeline.event_storage.postgres import BatchedPostgresEventLogStorage as Storage
    import financial_pipeline_tests.event_storage.test_event_storage as test

    batches, index = itertools.count(1), Storage._index_asset_events

    def killed_in_mid_batch(self, *arguments):
        index(self, *arguments)
        next(batches) < int(sys.argv[1]) or os.kill(os.getpid(), signal.SIGKILL)

    Storage._index_asset_events = killed_in_mid_batch
    test.materialize_range(dg.DagsterInstance.get())
"""


@pytest.mark.parametrize("batch", [4, 10], ids=["planning", "materializing"])
def test_kill_in_mid_batch_loses_nothing_that_a_second_run_does_not_restore(
    addresses: dict[str, str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    shutil.copy(PROFILE, tmp_path / "dagster.yaml")
    with make_instance(tmp_path, addresses["killed"], monkeypatch) as instance:
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(batch)]
        killed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
        assert materialize_range(instance).success
        for name in ASSETS:
            partitions = instance.event_log_storage.get_materialized_partitions(dg.AssetKey(name))
            assert partitions == set(KEYS)
