"""Which schedules and sensors are on, for the person who starts `make dev`."""

from collections.abc import Callable

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus

from financial_pipeline.settings import Settings

HOW_TO_SWITCH = (
    "Switch each on the page Automation, or start with FINANCIAL_PIPELINE_AUTOMATION=1 to have all"
    " on that nobody switched there."
)


def sensors_start() -> dg.DefaultSensorStatus:
    """Whether sensors are on before anybody switched them."""
    status = dg.DefaultSensorStatus
    return status.RUNNING if Settings().automation else status.STOPPED


def schedules_start() -> dg.DefaultScheduleStatus:
    """Whether schedules are on before anybody switched them."""
    status = dg.DefaultScheduleStatus
    return status.RUNNING if Settings().automation else status.STOPPED


def sentences(defs: dg.Definitions, instance: dg.DagsterInstance) -> list[str]:
    """What is on and what is off, as people switched it or by default, and how to switch it."""
    repository = defs.get_repository_def()
    is_on = {item.name: item.default_status.value == "RUNNING" for item in repository.schedule_defs}
    is_on |= {item.name: item.default_status.value == "RUNNING" for item in repository.sensor_defs}
    for state in instance.all_instigator_state():
        if state.instigator_name in is_on and state.status is not InstigatorStatus.DECLARED_IN_CODE:
            is_on[state.instigator_name] = state.status is InstigatorStatus.RUNNING
    on, off = (sorted(name for name in is_on if is_on[name] is value) for value in (True, False))
    names = [f"{word}: {', '.join(found) or 'none'}" for word, found in (("On", on), ("off", off))]
    return [f"Schedules and sensors. {'; '.join(names)}.", HOW_TO_SWITCH]


def of_this_home(load: Callable[[], dg.Definitions]) -> list[str]:
    """The sentences for the instance of DAGSTER_HOME."""
    with dg.DagsterInstance.get() as instance:
        return sentences(load(), instance)
