"""A bad day turns that day red and no other, a mended day turns green alone."""

from collections.abc import Mapping

import dagster as dg
import pytest

from financial_pipeline.defs import partition_checks

DAYS = dg.DailyPartitionsDefinition("2019-03-25", end_date="2019-03-30")
RANGE = {
    "dagster/asset_partition_range_start": "2019-03-25",
    "dagster/asset_partition_range_end": "2019-03-29",
}
BAD = "2019-03-27"
CHECK = "no_hole"
FAULTS: dict[str, str] = {}


@dg.asset(
    key=["staging", "days"],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[partition_checks.spec(CHECK, ["staging", "days"], "No hole.", DAYS)],
)
def days(context: dg.AssetExecutionContext) -> partition_checks.Results:
    keys = set(context.partition_keys)
    faults = {key: text for key, text in FAULTS.items() if key in keys}
    check = partition_checks.outcome(context, CHECK, faults)
    result = dg.MaterializeResult(metadata={"rows": 1})
    yield from partition_checks.per_partition(context, result, check, faults)


@dg.asset(key=["exports", "days"], deps=[days], partitions_def=DAYS)
def below() -> None:
    """The table that must not be built from a bad day."""


@pytest.fixture(autouse=True)
def no_faults() -> None:
    FAULTS.clear()


def states(instance: dg.DagsterInstance) -> Mapping[str | None, tuple[str, bool]]:
    """Partition -> the state of its newest evaluation, and whether it is about what is stored."""
    key = dg.AssetCheckKey(dg.AssetKey(["staging", "days"]), CHECK)
    found = instance.event_log_storage.get_asset_check_partition_info([key])
    return {
        info.partition_key: (info.latest_execution_status.value, info.is_current) for info in found
    }


def run(instance: dg.DagsterInstance, *, key: str | None = None) -> bool:
    job = dg.Definitions(assets=[days]).resolve_implicit_global_asset_job_def()
    if key:
        done = job.execute_in_process(instance=instance, partition_key=key, raise_on_error=False)
    else:
        done = job.execute_in_process(instance=instance, tags=RANGE, raise_on_error=False)
    return done.success


def test_bad_day_of_a_range_turns_red_alone_and_green_when_the_range_is_mended(
    instance: dg.DagsterInstance,
) -> None:
    FAULTS[BAD] = "27 March has no price of C"
    assert run(instance)
    assert {key: state for key, state in states(instance).items() if key} == {BAD: ("FAILED", True)}
    FAULTS.clear()
    assert run(instance)
    assert states(instance)[BAD] == ("SUCCEEDED", True)
    assert set(states(instance)) - {None} == {BAD}


def test_mended_day_turns_green_alone(instance: dg.DagsterInstance) -> None:
    FAULTS.update({BAD: "no price of C", "2019-03-28": "no price of C"})
    assert run(instance)
    del FAULTS[BAD]
    assert run(instance, key=BAD)
    assert states(instance)[BAD] == ("SUCCEEDED", True)
    assert states(instance)["2019-03-28"] == ("FAILED", True)


def test_bad_day_on_its_own_stops_what_is_below(instance: dg.DagsterInstance) -> None:
    FAULTS[BAD] = "no price of C"
    assets = [days, below]
    bad = dg.materialize(assets, partition_key=BAD, instance=instance, raise_on_error=False)
    assert not bad.success
    assert bad.asset_materializations_for_node("exports__days") == []
    assert states(instance)[BAD] == ("FAILED", True)
    assert dg.materialize(assets, partition_key="2019-03-26", instance=instance).success
