"""One run over a range of partitions, as a backfill with the policy `single_run` starts it.

Also the same run of assets that do nothing, to measure the cost of the events of a backfill.
"""

from collections.abc import Sequence

import dagster as dg

from financial_pipeline.defs import command, run_plan
from financial_pipeline.defs.operations import RANGE_END, RANGE_START
from financial_pipeline.defs.partitions import SESSIONS
from financial_pipeline.defs.resources import PUBLICATION_TAG
from financial_pipeline.event_storage.command_runs import command_tags
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.raw import ingest
from financial_pipeline.settings import Settings

# The runs of a measurement read what its earlier runs registered.
PUBLICATION = "ranges"
# Dimensions that prices join, and the bill rate of the Sharpe ratios.
BELOW_PRICES = ("shared_job", "releases_job", "macro_job")


def session_assets(defs: dg.Definitions) -> list[dg.AssetKey]:
    """Return every asset of daily prices partitioned by trading day, upstream first."""
    graph = defs.resolve_asset_graph()
    streamed = dg.AssetSelection.tag("family", "market_topics").downstream().resolve(graph)
    wanted = {
        key
        for key in graph.get_all_asset_keys() - streamed
        if graph.get(key).is_executable and graph.get(key).partitions_def == SESSIONS
    }
    return [key for key in graph.toposorted_asset_keys if key in wanted]


def newest_sessions(count: int) -> tuple[str, str]:
    """Return the first and the last of the newest `count` trading days."""
    keys = SESSIONS.get_partition_keys()[-count:]
    return keys[0], keys[-1]


def build_what_prices_join(defs: dg.Definitions) -> None:
    """Write the simulated world if it is missing and build the families that prices join."""
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    ingest.prepare(settings, paths, lambda text: None)
    planned = run_plan.plan(ingest.landed_files(settings, paths), analytics=False)
    with dg.DagsterInstance.get() as instance:
        for run in planned:
            if run.job in BELOW_PRICES:
                keys = command.keys_of(run, defs, "all")
                command.execute(run, keys, defs, instance, Publication(paths, PUBLICATION))


def execute_range(defs: dg.Definitions, keys: Sequence[dg.AssetKey], first: str, last: str) -> None:
    """Materialize the assets over the range in one run of this process; raises if it fails."""
    job = defs.resolve_implicit_global_asset_job_def()
    tags = {**command_tags(), RANGE_START: first, RANGE_END: last}
    tags[PUBLICATION_TAG] = PUBLICATION
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(
            instance=instance, asset_selection=list(keys), tags=tags, run_config=command.QUIET
        )


def materialized(keys: Sequence[dg.AssetKey]) -> int:
    """Return the number of materialized partitions of these assets."""
    with dg.DagsterInstance.get() as instance:
        return sum(len(instance.get_materialized_partitions(key)) for key in keys)


def empty_assets(count: int) -> dg.Definitions:
    """Return a chain of assets by trading day that compute nothing."""

    def build(number: int) -> dg.AssetsDefinition:
        @dg.asset(
            key=["empty", f"asset_{number}"],
            deps=[["empty", f"asset_{number - 1}"]] if number else [],
            partitions_def=SESSIONS,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def empty() -> dg.MaterializeResult:
            return dg.MaterializeResult()

        return empty

    return dg.Definitions(assets=[build(number) for number in range(count)])
