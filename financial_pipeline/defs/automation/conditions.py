"""Declarative automation of the stream: its tables are rebuilt when landed messages change them.

A partition is rebuilt if an input was updated, none of its inputs is still being built, and no
blocking check of an input failed. The backfill policy rebuilds a range in one run. All other assets
follow the plan (`update.py`), which knows their inputs by content.
"""

import dagster as dg

from financial_pipeline.defs import switches

STREAM_FAMILIES = ("market_topics", "market_bars")
MANIFEST = dg.AssetKey(["exports", "published_manifest"])


def rebuilt_on_update(inputs: dg.AssetSelection | None = None) -> dg.AutomationCondition:
    """Return the condition of an asset that is rebuilt when an input, or one of `inputs`, is.

    Old partitions count as much as the newest one, and an input without data for a partition, as
    for a bank that was not listed yet, does not stop it.
    """
    condition = dg.AutomationCondition
    updated = condition.any_deps_updated()
    if inputs is not None:
        updated = updated.allow(inputs)
    refused = condition.any_checks_match(condition.check_failed(), blocking_only=True)
    return (
        (
            condition.eager()
            .without(condition.in_latest_time_window())
            .without(~condition.any_deps_missing())
            .replace(
                condition.newly_missing() | condition.any_deps_updated(),
                updated,
            )
        )
        & ~condition.any_deps_match(refused)
    ).with_label("rebuilt when an input is updated")


def with_automation(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return the spec with its condition, if it follows the stream and has none."""
    if spec.automation_condition:
        return spec
    if spec.key == MANIFEST:
        # A publication follows the tables of the stream alone.
        streamed = dg.AssetSelection.tag("family", "market_bars")
        return spec.replace_attributes(automation_condition=rebuilt_on_update(streamed))
    if spec.tags.get("family") not in STREAM_FAMILIES or spec.key.path[0] in ("raw", "topics"):
        return spec
    return spec.replace_attributes(automation_condition=rebuilt_on_update())


@dg.definitions
def automation() -> dg.Definitions:
    """Define the sensor that evaluates the conditions."""
    return dg.Definitions(
        sensors=[
            dg.AutomationConditionSensorDefinition(
                "stream_tables_sensor",
                target=dg.AssetSelection.all(),
                default_status=switches.sensors_start(),
                minimum_interval_seconds=30,
                description="Rebuilds the stream's partitions whose inputs were updated.",
            )
        ]
    )
