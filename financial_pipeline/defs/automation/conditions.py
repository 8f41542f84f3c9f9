"""Declarative automation: every asset after the raw archive is rebuilt when its inputs change.

A partition is rebuilt if an input was updated, none of its inputs is still being built, and no
blocking check of an input failed. The backfill policy rebuilds a range in one run.
"""

import dagster as dg

from financial_pipeline.defs import switches

# Schedules and the drop folder start raw assets; the others are outside Dagster.
STARTED_OTHERWISE = {"landing", "topics", "dashboard", "raw"}


def rebuilt_on_update() -> dg.AutomationCondition:
    """Return the condition of every asset after the raw archive.

    Old partitions count as much as the newest one, and an input without data for a partition, as
    for a bank that was not listed yet, does not stop it.
    """
    condition = dg.AutomationCondition
    refused = condition.any_checks_match(condition.check_failed(), blocking_only=True)
    return (
        (
            condition.eager()
            .without(condition.in_latest_time_window())
            .without(~condition.any_deps_missing())
            .replace(
                condition.newly_missing() | condition.any_deps_updated(),
                condition.any_deps_updated(),
            )
        )
        & ~condition.any_deps_match(refused)
    ).with_label("rebuilt when an input is updated")


def with_automation(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return the spec with the condition, if it comes after the raw archive and has none."""
    if spec.key.path[0] in STARTED_OTHERWISE or spec.automation_condition:
        return spec
    return spec.replace_attributes(automation_condition=rebuilt_on_update())


@dg.definitions
def automation() -> dg.Definitions:
    """Define the sensor that evaluates the conditions."""
    return dg.Definitions(
        sensors=[
            dg.AutomationConditionSensorDefinition(
                "below_raw_sensor",
                target=dg.AssetSelection.all(),
                default_status=switches.sensors_start(),
                minimum_interval_seconds=30,
                description="Rebuilds the partitions whose inputs were updated.",
            )
        ]
    )
