"""Checks that turn single partitions red and leave the others as they are.

A run of one partition stores its result with the partition. A run over a range stores one result
for all, and also one for each bad partition and for each that the run corrected, with the
materialization that was checked: the UI marks a result without one as out of date.
"""

import warnings
from collections.abc import Iterator, Mapping

import dagster as dg

from financial_pipeline.defs import partition_events
from financial_pipeline.event_storage.check_targets import newest_materialization

# A run reports up to this many bad partitions one by one; more of them are one fault.
NAMED_FAULTS = 100

Results = Iterator[dg.MaterializeResult | dg.AssetCheckResult]


def spec(
    name: str, asset: list[str], description: str, partitions_def: dg.PartitionsDefinition
) -> dg.AssetCheckSpec:
    """Return the spec of a blocking check whose results belong to partitions."""
    with warnings.catch_warnings():
        # Partitions of checks are in preview in the pinned Dagster; there is no other way.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name,
            asset=asset,
            description=description,
            blocking=True,
            partitions_def=partitions_def,
        )


def outcome(
    context: dg.AssetExecutionContext, name: str, faults: Mapping[str, str]
) -> dg.AssetCheckResult:
    """Return the result of a run from the faults of its partitions (key -> one sentence).

    A run of one bad partition fails, so nothing that reads it is built. Over a range the bad
    partitions turn red one by one and the good ones are built.
    """
    is_single = len(context.partition_keys) == 1
    return dg.AssetCheckResult(
        check_name=name,
        passed=not (faults and is_single),
        description="; ".join([*faults.values()][:3]) or None,
        metadata={"bad_partitions": [*faults][:NAMED_FAULTS], "bad": len(faults)},
    )


def per_partition(
    context: dg.AssetExecutionContext,
    result: dg.MaterializeResult,
    check: dg.AssetCheckResult,
    faults: Mapping[str, str],
) -> Results:
    """Yield the result and its checks; store the partitions that turned bad or good."""
    described = partition_events.describe(context, result)
    yield dg.MaterializeResult(metadata=described.metadata, data_version=result.data_version)
    if not context.has_partition_key:
        _store_changes(context, str(check.check_name), faults)
    yield from [*result.check_results, check]


def _store_changes(context: dg.AssetExecutionContext, name: str, faults: Mapping[str, str]) -> None:
    covered = set(context.partition_keys)
    named = {key: faults[key] for key in [*faults][:NAMED_FAULTS] if key in covered}
    corrected = (_red_partitions(context, name) & covered) - set(faults)
    for key in (*named, *sorted(corrected)):
        evaluation = dg.AssetCheckEvaluation(
            asset_key=context.asset_key,
            check_name=name,
            passed=key in corrected,
            partition=key,
            blocking=True,
            description=named.get(key, "Corrected by this run."),
            target_materialization_data=newest_materialization(
                context.instance, context.asset_key, key
            ),
        )
        context.log_event(evaluation)


def _red_partitions(context: dg.AssetExecutionContext, name: str) -> set[str]:
    check = dg.AssetCheckKey(context.asset_key, name)
    found = context.instance.event_log_storage.get_asset_check_partition_info([check])
    return {
        info.partition_key
        for info in found
        if info.partition_key and info.latest_execution_status.value == "FAILED"
    }
