"""`make dev` reports the schedules and sensors as the instance runs them."""

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from financial_pipeline.defs import switches

RUNNING, STOPPED = InstigatorStatus.RUNNING, InstigatorStatus.STOPPED


@dg.sensor(name="watching", asset_selection="*", default_status=dg.DefaultSensorStatus.RUNNING)
def watching() -> None:
    """On by default."""


@dg.schedule(name="daily", cron_schedule="0 0 * * *", target="*")
def daily() -> None:
    """Off by default."""


def switch(instance: dg.DagsterInstance, name: str, to: InstigatorStatus) -> None:
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin())
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, to))


@pytest.mark.parametrize(
    ("switched", "said"),
    [
        ({}, "On: watching; off: daily."),
        ({"daily": RUNNING}, "On: daily, watching; off: none."),
        ({"watching": STOPPED}, "On: none; off: daily, watching."),
    ],
)
def test_status_is_the_default_until_somebody_switches(
    instance: dg.DagsterInstance, switched: dict[str, InstigatorStatus], said: str
) -> None:
    defs = dg.Definitions(sensors=[watching], schedules=[daily])
    for name, to in switched.items():
        switch(instance, name, to)
    first, *rest = switches.sentences(defs, instance)
    assert first == f"Schedules and sensors. {said}"
    assert "FINANCIAL_PIPELINE_AUTOMATION=1" in rest[0]
