"""The schedules and sensors that are on, for the person who starts `make dev`."""

from collections.abc import Callable

import dagster as dg

from financial_pipeline.settings import Settings

HOW_TO_SWITCH = (
    "Switch each of them on the page Automation. FINANCIAL_PIPELINE_AUTOMATION=1 starts all those"
    " that nobody switched there."
)


def sensors_start() -> dg.DefaultSensorStatus:
    """Return whether sensors are on until somebody switches them."""
    status = dg.DefaultSensorStatus
    return status.RUNNING if Settings().automation else status.STOPPED


def schedules_start() -> dg.DefaultScheduleStatus:
    """Return whether schedules are on until somebody switches them."""
    status = dg.DefaultScheduleStatus
    return status.RUNNING if Settings().automation else status.STOPPED


def sentences(defs: dg.Definitions, instance: dg.DagsterInstance) -> list[str]:
    """Return which schedules and sensors are on and off, and how to switch them."""
    repository = defs.get_repository_def()
    is_on = {item.name: item.default_status.value == "RUNNING" for item in repository.schedule_defs}
    is_on |= {item.name: item.default_status.value == "RUNNING" for item in repository.sensor_defs}
    for state in instance.all_instigator_state():
        if state.instigator_name in is_on and state.status.value in ("RUNNING", "STOPPED"):
            is_on[state.instigator_name] = state.status.value == "RUNNING"
    on, off = (sorted(name for name in is_on if is_on[name] is value) for value in (True, False))
    names = [f"{word}: {', '.join(found) or 'none'}" for word, found in (("On", on), ("off", off))]
    return [f"Schedules and sensors. {'; '.join(names)}.", HOW_TO_SWITCH]


def of_this_home(load: Callable[[], dg.Definitions]) -> list[str]:
    """Return the sentences for the instance of DAGSTER_HOME."""
    with dg.DagsterInstance.get() as instance:
        return sentences(load(), instance)
