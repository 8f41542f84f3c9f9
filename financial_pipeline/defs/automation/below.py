"""Declarative automation: every asset below raw follows what it is made from.

A partition is rebuilt when something it reads was updated, none of it is still being built, and
no blocking check of it failed. Ranges are rebuilt in one run, as each asset's backfill policy says.
"""

import dagster as dg

from financial_pipeline.defs import switches

# Raw assets follow schedules and the drop folder; the others stand outside Dagster.
FED_FROM_OUTSIDE = {"landing", "topics", "dashboard", "raw"}


def follows_upstream() -> dg.AutomationCondition:
    """The condition of every asset below raw."""
    condition = dg.AutomationCondition
    is_refused = condition.any_checks_match(condition.check_failed(), blocking_only=True)
    return (
        condition.any_deps_updated().since_last_handled()
        & ~condition.any_deps_match(condition.in_progress())
        & ~condition.any_deps_match(is_refused)
        & ~condition.in_progress()
    ).with_label("follows what it is made from")


def with_automation(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec with the condition, where it is below raw and has none of its own."""
    if spec.key.path[0] in FED_FROM_OUTSIDE or spec.automation_condition:
        return spec
    return spec.replace_attributes(automation_condition=follows_upstream())


@dg.definitions
def automation() -> dg.Definitions:
    """The sensor that evaluates the conditions."""
    return dg.Definitions(
        sensors=[
            dg.AutomationConditionSensorDefinition(
                "below_raw_sensor",
                target=dg.AssetSelection.all(),
                default_status=switches.sensors_start(),
                minimum_interval_seconds=30,
                description="Rebuilds what is below updated data, partition by partition.",
            )
        ]
    )
