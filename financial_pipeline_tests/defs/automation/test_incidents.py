"""Every kind of incident, made to happen and mended: one alert, one recovery."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import polars as pl
import pytest
from dagster._core.scheduler.instigation import TickStatus

from financial_pipeline.alerts import operations
from financial_pipeline.alerts.incidents import deliver
from financial_pipeline.defs.automation import incidents
from financial_pipeline.defs.operations import record
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import publication
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.settings import Settings
from financial_pipeline_tests.alerts.test_incidents import FakeSink

DAYS = dg.DailyPartitionsDefinition("2019-03-25", end_date="2019-03-30")
IS_TORN = {"run": False, "check": False}


@dg.asset(
    key=["staging", "days"],
    partitions_def=DAYS,
    check_specs=[dg.AssetCheckSpec("adds_up", asset=["staging", "days"])],
)
def days() -> dg.MaterializeResult:
    if IS_TORN["run"]:
        raise ValueError("the file of this day is torn")
    check = dg.AssetCheckResult(passed=not IS_TORN["check"], metadata={"rows": 5})
    return dg.MaterializeResult(check_results=[check])


class Watched:
    """An instance and a data root, with a fake sink that gets every notice."""

    def __init__(self, instance: dg.DagsterInstance, paths: Paths) -> None:
        self.instance, self.paths, self.sink = instance, paths, FakeSink()

    def run(self, *keys: str, **torn: bool) -> None:
        IS_TORN.update({"run": False, "check": False} | torn)
        for key in keys:
            dg.materialize([days], partition_key=key, instance=self.instance, raise_on_error=False)
        self.look()

    def look(self) -> None:
        record(self.instance, self.paths, Settings())
        found = incidents.found(self.instance, self.paths)
        deliver(found, {"fake": self.sink}, self.paths.alert_ledger)

    def told(self) -> list[tuple[str, str]]:
        return [(notice.subject, notice.text) for notice in self.sink.notices]


@pytest.fixture
def watched(instance: dg.DagsterInstance, tmp_path: Path) -> Watched:
    return Watched(instance, Paths(tmp_path))


def test_failed_runs_of_a_job_are_one_incident_until_all_are_mended(watched: Watched) -> None:
    watched.run("2019-03-26", "2019-03-27", run=True)
    watched.run("2019-03-25", "2019-03-26")
    watched.run("2019-03-27")
    (alert, text), (recovery, _) = watched.told()
    assert alert == "ALERT failed run: __ephemeral_asset_job__"
    assert "on 2019-03-26, 2019-03-27: ValueError: the file of this day is torn" in text
    assert recovery == alert.replace("ALERT", "RECOVERED")


def test_failed_check_is_an_incident_though_its_run_succeeded(watched: Watched) -> None:
    watched.run("2019-03-26", check=True)
    watched.run("2019-03-26", check=True)
    watched.run("2019-03-26")
    (alert, text), (recovery, _) = watched.told()
    assert alert == "ALERT failed check: staging/days adds_up"
    assert 'found {"rows": 5}' in text
    assert recovery == "RECOVERED failed check: staging/days adds_up"


def tick(status: TickStatus, message: str = "") -> Any:
    return SimpleNamespace(status=status, error=SimpleNamespace(message=message, cause=None))


def test_sensor_error_is_an_incident_until_a_tick_succeeds(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = SimpleNamespace(instigator_origin_id="a", selector_id="b", instigator_name="my_sensor")
    ticks: list[Any] = []
    monkeypatch.setattr(watched.instance, "all_instigator_state", lambda: [state])
    monkeypatch.setattr(watched.instance, "get_ticks", lambda *args, **kwargs: ticks[-1:])
    for status in (TickStatus.SUCCESS, TickStatus.FAILURE, TickStatus.FAILURE, TickStatus.SKIPPED):
        ticks.append(tick(status, "broker is away"))
        watched.look()
    assert watched.told() == [
        ("ALERT sensor error: my_sensor", "The last tick of my_sensor failed: broker is away"),
        ("RECOVERED sensor error: my_sensor", "The last tick of my_sensor failed: broker is away"),
    ]


def test_overdue_table_is_an_incident_that_an_old_backfill_does_not_end(watched: Watched) -> None:
    for version, as_of in enumerate(("2019-03-27", "2019-03-27", "2019-03-29")):
        folder = f"exports/fct_daily_prices/{version}"
        (watched.paths.data_root / folder).mkdir(parents=True)
        table = PublishedTable("exports", "fct_daily_prices", folder, 1, "abc", as_of=as_of)
        publication.Publication(watched.paths, "test").register(table)
        publication.publish(watched.paths, ["test"], {})
        watched.look()
    assert [subject for subject, _ in watched.told()] == [
        "ALERT overdue data: exports/fct_daily_prices",
        "RECOVERED overdue data: exports/fct_daily_prices",
    ]
    states = operations.read(watched.paths, "freshness").select("state", "newest_event_date")
    assert states.row(0)[0] == "fresh"


def test_range_run_mends_the_single_day_that_it_covers() -> None:
    rows = [("FAILURE", "2019-03-26"), ("SUCCESS", "2019-03-25 to 2019-03-29")]
    runs = pl.DataFrame(
        [{"job": "j", "status": s, "partitions": p, "assets": None, "error": None} for s, p in rows]
    )
    assert [*incidents.failed_runs(runs[:1])] != []
    assert [*incidents.failed_runs(runs)] == []
