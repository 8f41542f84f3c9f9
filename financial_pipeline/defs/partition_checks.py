"""Checks that turn single partitions red and leave the others as they are.

A run of one partition stores its result with the partition. A run over a range stores one result
for all, so the bad partitions, and those that a run mended, are stored beside it, each with the
materialization that it speaks of: a result that names none counts as out of date in the UI.
"""

import warnings
from collections.abc import Iterator, Mapping

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

# A run names this many bad partitions one by one; more than that is one fault.
NAMED_FAULTS = 100

Results = Iterator[dg.MaterializeResult | dg.AssetCheckResult]


def spec(
    name: str, asset: list[str], description: str, partitions_def: dg.PartitionsDefinition
) -> dg.AssetCheckSpec:
    """A blocking check whose results belong to partitions."""
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
    """The result of a run from what is wrong with which partition (key -> one sentence).

    A run of one bad partition fails, so nothing below it is built. Over a range the bad ones
    turn red one by one and the good ones go on.
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
    """Yield a result, then its checks and the partitioned one, named bad or mended partitions."""
    yield dg.MaterializeResult(metadata=result.metadata)
    if not context.has_partition_key:
        _store_changes(context, str(check.check_name), faults)
    yield from [*result.check_results, check]


def _store_changes(context: dg.AssetExecutionContext, name: str, faults: Mapping[str, str]) -> None:
    covered = set(context.partition_keys)
    named = {key: faults[key] for key in [*faults][:NAMED_FAULTS] if key in covered}
    mended = (_red_partitions(context, name) & covered) - set(faults)
    for key in (*named, *sorted(mended)):
        evaluation = dg.AssetCheckEvaluation(
            asset_key=context.asset_key,
            check_name=name,
            passed=key in mended,
            partition=key,
            blocking=True,
            description=named.get(key, "Mended by this run."),
            target_materialization_data=_newest_materialization(context, key),
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


def _newest_materialization(
    context: dg.AssetExecutionContext, partition: str
) -> AssetCheckEvaluationTargetMaterializationData | None:
    wanted = dg.AssetRecordsFilter(asset_key=context.asset_key, asset_partitions=[partition])
    records = context.instance.fetch_materializations(wanted, limit=1).records
    if not records:
        return None
    newest = records[0]
    return AssetCheckEvaluationTargetMaterializationData(
        run_id=newest.run_id, storage_id=newest.storage_id, timestamp=newest.timestamp
    )
