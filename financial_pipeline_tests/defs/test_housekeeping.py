"""A year of daily runs leaves a small history, and the newest of every partition stays."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.events import (
    AssetMaterializationPlannedData,
    DagsterEvent,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry

from financial_pipeline.defs import leftovers
from financial_pipeline.defs.home import open_home
from financial_pipeline.defs.housekeeping import Housekeeping
from financial_pipeline.paths import Paths

MADE = DagsterEventType.ASSET_MATERIALIZATION
PLANNED = DagsterEventType.ASSET_MATERIALIZATION_PLANNED
FIRST, DAYS, HISTORY = date(2019, 4, 1), 365, 2000
NAMES = ("prices", "marts", "metrics")
LINES = 3
UUID = "0a970cf9-dbf0-4724-a60d-199d873a093a"


@dg.job
def daily_job() -> None:
    """A job whose runs are stored with the events of a day."""


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster_home"))
    return Paths(tmp_path)


@pytest.fixture
def instance(paths: Paths) -> Iterator[dg.DagsterInstance]:
    with open_home(paths) as opened:
        yield opened


def event(
    kind: DagsterEventType, name: str, partition: str | None, run: str, at: float
) -> EventLogEntry:
    key = dg.AssetKey(name)
    if kind is MADE:
        text = {"note": "x" * 1500}
        made = dg.AssetMaterialization(key, partition=partition, metadata=text)
        data: object = StepMaterializationData(made, [])
    else:
        data = AssetMaterializationPlannedData(key, partition=partition)
    inner = DagsterEvent(kind.value, job_name="daily_job", event_specific_data=data)
    return EventLogEntry(None, 10, "", run, at, dagster_event=inner)


def run_once(instance: dg.DagsterInstance, partitions: list[str], days_ago: int) -> str:
    """Store a run of all assets over partitions, with a log, as of days ago."""
    run = instance.create_run_for_job(daily_job, status=dg.DagsterRunStatus.SUCCESS)
    at = time.time() - days_ago * 86_400.0
    batch = [event(MADE, name, key, run.run_id, at) for name in NAMES for key in partitions]
    batch.append(event(MADE, "manifest", None, run.run_id, at))
    instance.event_log_storage.store_event_batch(batch)
    for _ in range(LINES):
        line = EventLogEntry(None, 20, "y" * 3000, run.run_id, at, job_name="daily_job")
        instance.event_log_storage.store_event(line)
    return run.run_id


def sessions(count: int, first: date = FIRST) -> list[str]:
    return [(first + timedelta(days=day)).isoformat() for day in range(count)]


def file_size(paths: Paths) -> int:
    return (paths.dagster_home / "history/runs/index.db").stat().st_size


@pytest.mark.slow
def test_year_of_daily_runs_and_rebuilds_stays_small(
    instance: dg.DagsterInstance, paths: Paths
) -> None:
    past = sessions(HISTORY, FIRST - timedelta(days=HISTORY))
    first_run = run_once(instance, past, days_ago=DAYS + 1)
    housekeeping = Housekeeping(instance, paths, days=30)
    first = file_size(paths)
    for number, day in enumerate(sessions(DAYS)):
        run_once(instance, [day, past[-1]], days_ago=DAYS - number)
    # Code changed twice: everything was built again.
    for days_ago in (300, 90):
        run_once(instance, past, days_ago=days_ago)
    housekeeping.prune()
    assert file_size(paths) <= 1.5 * first
    for name in NAMES:
        kept = instance.get_materialized_partitions(dg.AssetKey(name))
        assert kept == {*past, *sessions(DAYS)}
    assert instance.get_latest_materialization_event(dg.AssetKey("manifest")) is not None
    assert instance.get_run_by_id(first_run) is not None
    assert all(space.count == 0 for space in housekeeping.found().values())


def test_newest_of_a_partition_and_young_history_stay(
    instance: dg.DagsterInstance, paths: Paths
) -> None:
    old = run_once(instance, ["2019-04-01"], days_ago=50)
    young = [run_once(instance, ["2019-04-02"], days_ago=days) for days in (29, 20)]
    superseded = Housekeeping(instance, paths, days=30).found()["superseded events"]
    # The manifest of the old run; all else is the newest of its partition, or young.
    assert superseded.count == 1
    Housekeeping(instance, paths, days=30).prune()
    made = instance.get_latest_materialization_events([dg.AssetKey("manifest")])
    newest = made[dg.AssetKey("manifest")]
    assert newest is not None
    assert newest.run_id == young[-1]
    assert {record.run_id for record in instance.get_runs()} == {old, *young}
    assert len(instance.all_logs(young[0])) == 7
    assert len(instance.all_logs(old)) == 3


def test_failed_partition_keeps_its_plan_until_it_is_built(
    instance: dg.DagsterInstance, paths: Paths
) -> None:
    at = time.time() - 60 * 86_400.0
    for number, day in enumerate(("2019-04-01", "2019-04-01", "2019-04-02")):
        run = instance.create_run_for_job(daily_job, status=dg.DagsterRunStatus.FAILURE)
        planned = [event(PLANNED, "prices", day, run.run_id, at + number)]
        instance.event_log_storage.store_event_batch(planned)
    run_once(instance, ["2019-04-03"], days_ago=1)
    Housekeeping(instance, paths, days=30).prune()
    storage = instance.event_log_storage
    unfinished = (
        storage.get_latest_asset_partition_materialization_attempts_without_materializations
    )
    assert set(unfinished(dg.AssetKey("prices"))) == {"2019-04-01", "2019-04-02"}


def test_logs_of_a_run_that_has_not_ended_stay(instance: dg.DagsterInstance, paths: Paths) -> None:
    run = instance.create_run_for_job(daily_job, status=dg.DagsterRunStatus.STARTED)
    at = (datetime.now(UTC) - timedelta(days=90)).timestamp()
    line = EventLogEntry(None, 20, "still here", run.run_id, at, job_name="daily_job")
    instance.event_log_storage.store_event(line)
    run_once(instance, ["2019-04-03"], days_ago=1)
    Housekeeping(instance, paths, days=30).prune()
    assert len(instance.all_logs(run.run_id)) == 1


def aged(path: Path, days: float, *, is_folder: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if is_folder else path.write_bytes(b"12345")
    os.utime(path, (time.time() - days * 86_400.0,) * 2)
    return path


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the system's temporary one, on a machine without processes."""
    folder = tmp_path / "temporary"
    monkeypatch.setattr(leftovers.tempfile, "gettempdir", lambda: str(folder))
    monkeypatch.setattr(leftovers.psutil, "process_iter", lambda _: iter([]))
    return folder


def test_leftovers_are_old_files_of_known_names(paths: Paths, temporary: Path) -> None:
    home, target = paths.dagster_home, paths.dbt_target
    gone = [
        aged(home / "storage" / UUID, 40),
        aged(home / "history/runs" / f"{UUID}.db", 1, is_folder=False),
        aged(target / "dbt_loans-2f552be-ccb6074", 40),
        aged(temporary / f"spark-{UUID}", 40),
        aged(paths.spark_files / f"blockmgr-{UUID}", 40),
        aged(temporary / "liblz4-java-1920023975814744012.so", 40, is_folder=False),
    ]
    kept = [
        aged(home / "history/runs/index.db", 400, is_folder=False),
        aged(target / "manifest.json", 400, is_folder=False),
        aged(target / "dbt_loans-2f552be-ccb6075", 2),
        aged(temporary / f"blockmgr-{UUID}", 2),
        aged(temporary / "spark-notes", 400),
    ]
    found = leftovers.found(paths, time.time() - 30 * 86_400.0)
    assert {each.path for each in found} == set(gone)
    assert leftovers.by_kind(found)["files of a storage that is no longer used"].size == 5
    leftovers.remove(found)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)


def test_temporary_files_of_a_living_java_process_stay(
    paths: Paths, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = SimpleNamespace(info={"name": "java", "create_time": time.time() - 60 * 86_400.0})
    monkeypatch.setattr(leftovers.psutil, "process_iter", lambda _: iter([java]))
    aged(temporary / f"spark-{UUID}", 40)
    older = aged(temporary / f"blockmgr-{UUID}", 90)
    found = leftovers.found(paths, time.time() - 30 * 86_400.0)
    assert [each.path for each in found] == [older]
