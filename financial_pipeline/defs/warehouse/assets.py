"""Assets of the dbt star schema: one set per family, one dbt call per family and run."""

import os
from collections.abc import Iterator
from datetime import date

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from financial_pipeline import world
from financial_pipeline.defs import partition_events
from financial_pipeline.defs.partitions import FAMILY_PARTITIONS, window
from financial_pipeline.defs.resources import WAREHOUSE_POOL, Pipeline
from financial_pipeline.defs.warehouse.project import Translator, prepared_manifest
from financial_pipeline.defs.warehouse.row_counts import with_row_counts
from financial_pipeline.settings import Settings

# Unit tests do not depend on the data: `make test` runs them, a run does not.
BUILD = ["build", "--exclude-resource-type", "unit_test"]


def run_environment(
    settings: Settings, clock: date, partitions: tuple[date, date] | None
) -> dict[str, str]:
    """Return the environment of dbt: the window, the world's today and the outcome settings.

    `--vars` would do the same, but dbt parses the whole project again when they change.
    """
    first, last = partitions or (None, None)
    return {
        "FINANCIAL_PIPELINE_FIRST_PARTITION": first.isoformat() if first else "",
        "FINANCIAL_PIPELINE_LAST_PARTITION": last.isoformat() if last else "",
        "FINANCIAL_PIPELINE_WORLD_CLOCK": clock.isoformat(),
        "FINANCIAL_PIPELINE_DEFAULT_LAG_MONTHS": str(settings.default_lag_months),
        "FINANCIAL_PIPELINE_MATURITY_CUTOFF": str(settings.maturity_cutoff or ""),
    }


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
        settings = pipeline.settings
        partitions = window(context) if partitions_def else None
        environment = run_environment(settings, world.today(settings), partitions)
        pipeline.paths.warehouse_file.parent.mkdir(parents=True, exist_ok=True)
        os.environ.update(environment)

        def table(output: str) -> str:
            return context.asset_key_for_output(output).path[-1]

        events = dbt.cli(BUILD, context=context).stream()
        for event in with_row_counts(events, table, pipeline.paths.warehouse_file):
            if isinstance(event, dg.Output):
                yield partition_events.describe_output(context, event)
            else:
                yield event

    return build


@dg.definitions
def warehouse() -> dg.Definitions:
    """Define the dbt models, seeds and tests of every family."""
    return dg.Definitions(assets=[_family_assets(family) for family in FAMILY_PARTITIONS])
