"""A range run describes its table once: on the event of the newest partition."""

from typing import Any

import dagster as dg

from financial_pipeline.defs import partition_events

DAYS = dg.DailyPartitionsDefinition("2018-01-01", end_date="2018-01-06")
TAG = "dagster/asset_partition_range_"
RANGE = {f"{TAG}start": "2018-01-02", f"{TAG}end": "2018-01-04"}


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def table(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """A table of ten rows."""
    result: dg.MaterializeResult = dg.MaterializeResult(
        metadata={"rows": 10}, data_version=dg.DataVersion("v1")
    )
    return partition_events.describe(context, result)


@dg.asset
def unpartitioned(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """A table without partitions."""
    return partition_events.describe(context, dg.MaterializeResult(metadata={"rows": 10}))


@dg.multi_asset(
    specs=[dg.AssetSpec("left"), dg.AssetSpec("right")],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def both(context: dg.AssetExecutionContext) -> Any:
    """Two tables of one call, as of dbt."""
    for name in ("left", "right"):
        output = dg.Output(None, name, metadata={"unique_id": name, "rows": 10})
        yield partition_events.describe_output(context, output)


def described(asset: dg.AssetsDefinition, **options: Any) -> list[tuple[str | None, set[str]]]:
    result = dg.materialize([asset], **options)
    events = [event.materialization for event in result.get_asset_materialization_events()]
    return [(event.partition, set(event.metadata)) for event in events]


def test_range_describes_its_newest_partition() -> None:
    assert described(table, tags=RANGE) == [
        ("2018-01-02", set()),
        ("2018-01-03", set()),
        ("2018-01-04", {"rows"}),
    ]


def test_run_of_one_partition_or_of_none_describes_it() -> None:
    assert described(table, partition_key="2018-01-03") == [("2018-01-03", {"rows"})]
    one = {name: "2018-01-03" for name in RANGE}
    assert described(table, tags=one) == [("2018-01-03", {"rows"})]
    assert described(unpartitioned) == [(None, {"rows"})]


def test_each_output_of_one_call_describes_its_newest_partition() -> None:
    found = described(both, tags=RANGE)
    rows = [partition for partition, names in found if "rows" in names]
    assert rows == ["2018-01-04", "2018-01-04"]
    assert all("unique_id" in names for _, names in found)


def test_every_partition_keeps_its_data_version() -> None:
    result = dg.materialize([table], tags=RANGE)
    tags = [e.materialization.tags for e in result.get_asset_materialization_events()]
    assert [(tag or {}).get("dagster/data_version") for tag in tags] == ["v1"] * 3
