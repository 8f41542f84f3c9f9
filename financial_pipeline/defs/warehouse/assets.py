"""The dbt star schema: one set of assets per family, one dbt call per family and run."""

import json
from collections.abc import Iterator

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from financial_pipeline import ingest
from financial_pipeline.defs.partitions import (
    APPLICATION_MONTHS,
    ISSUE_MONTHS,
    OBSERVATION_MONTHS,
    SESSIONS,
    window,
)
from financial_pipeline.defs.resources import WAREHOUSE_POOL, Pipeline
from financial_pipeline.defs.warehouse.project import Translator, prepared_manifest
from financial_pipeline.settings import Settings

FAMILY_PARTITIONS: dict[str, dg.PartitionsDefinition | None] = {  # type: ignore[type-arg]
    "shared": None,
    "loans": ISSUE_MONTHS,
    "rejections": APPLICATION_MONTHS,
    "prices": SESSIONS,
    "macro": OBSERVATION_MONTHS,
}


def dbt_arguments(settings: Settings, partitions: tuple[str, str] | None) -> list[str]:
    """The dbt command of a run: build the family's window in one call."""
    variables: dict[str, object] = {
        "default_lag_months": settings.default_lag_months,
        "world_clock": ingest.clock(settings).isoformat(),
    }
    if settings.maturity_cutoff:
        variables["maturity_cutoff"] = settings.maturity_cutoff.isoformat()
    if partitions:
        variables["first_partition"], variables["last_partition"] = partitions
    return ["build", "--vars", json.dumps(variables)]


def _family_assets(family: str) -> dg.AssetsDefinition:
    partitions_def = FAMILY_PARTITIONS[family]

    @dbt_assets(
        manifest=prepared_manifest(),
        select=f"tag:{family}",
        name=f"dbt_{family}",
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions_def else None,
        dagster_dbt_translator=Translator(family),
        pool=WAREHOUSE_POOL,
    )
    def build(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, pipeline: Pipeline
    ) -> Iterator[object]:
        partitions = None
        if partitions_def:
            first, last = window(context)
            partitions = first.isoformat(), last.isoformat()
        pipeline.paths.warehouse_file.parent.mkdir(parents=True, exist_ok=True)
        arguments = dbt_arguments(pipeline.settings, partitions)
        yield from dbt.cli(arguments, context=context).stream()

    return build


@dg.definitions
def warehouse() -> dg.Definitions:
    """The dbt models, seeds and tests of every family."""
    return dg.Definitions(assets=[_family_assets(family) for family in FAMILY_PARTITIONS])
