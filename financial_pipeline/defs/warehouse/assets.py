"""Assets of the dbt star schema: one set per family, one dbt call per family and run."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
from dagster_dbt import DbtCliResource, dbt_assets

from financial_pipeline import world
from financial_pipeline.defs import partition_events
from financial_pipeline.defs.partitions import FAMILY_PARTITIONS, window
from financial_pipeline.defs.resources import WAREHOUSE_POOL, Pipeline
from financial_pipeline.defs.warehouse.project import Translator, prepare_manifest
from financial_pipeline.settings import Settings

# Unit tests do not depend on the data: `make test` runs them, a run does not.
BUILD = ["build", "--exclude-resource-type", "unit_test"]


def row_counts(warehouse: Path) -> dict[str, int]:
    """Count the rows of every table, by its name; empty if there is no warehouse yet.

    dbt locks the file until it ends, so one connection counts all tables afterwards, without views.
    """
    if not warehouse.exists():
        return {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        places = "select schema_name, table_name from duckdb_tables()"
        tables = [
            (str(schema), str(name)) for schema, name in connection.execute(places).fetchall()
        ]
        counts = [f"select '{name}', count(*) from {schema}.{name}" for schema, name in tables]
        rows = connection.execute(" union all ".join(counts)).fetchall() if counts else []
    return {str(name): int(count) for name, count in rows}


def with_row_counts(
    events: Iterable[object], name_of: Callable[[str], str], warehouse: Path
) -> Iterator[object]:
    """Yield the events of one dbt call, each model's with `dagster/row_count`.

    `name_of` maps the name of an output to its table. If dbt fails, the events of the finished
    models come first, then the error.
    """
    kept: list[object] = []
    failure: Exception | None = None
    try:
        kept.extend(events)
    except Exception as error:
        failure = error
    counts = row_counts(warehouse) if any(isinstance(event, dg.Output) for event in kept) else {}
    for event in kept:
        rows = counts.get(name_of(event.output_name)) if isinstance(event, dg.Output) else None
        if isinstance(event, dg.Output) and rows is not None:
            yield event.with_metadata({**event.metadata, "dagster/row_count": rows})
        else:
            yield event
    if failure:
        raise failure


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
        manifest=prepare_manifest(),
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
