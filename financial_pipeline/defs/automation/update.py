"""The job that executes the plan, in one process: what schedules and the drop folder start.

Its one step fetches what is new at live sources, plans as the commands do, and executes the runs of
the changed partitions of changed assets one after another in its own process. So the definitions
load once, and the manifest moves once.
"""

from collections.abc import Sequence
from typing import Final

import dagster as dg

from financial_pipeline.defs import runs
from financial_pipeline.defs.early_spark import begin_spark
from financial_pipeline.defs.home import LoadedRepository
from financial_pipeline.defs.preview import preview
from financial_pipeline.defs.run_plan import FamilyRun
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import working_copy
from financial_pipeline.raw import ingest
from financial_pipeline.raw.live_prices import unserved_symbols
from financial_pipeline.settings import Settings
from financial_pipeline.sources.http_client import ProviderFailure

UPDATE_JOB: Final = "update_job"
ANALYTICS: Final = ("metrics", "ml")
NO_FILE: Final = "The drop folder contains no data file."
# Assets that the reason of a run names; the log of the run has all.
NAMED: Final = 5
# A busy disk or an unresponsive publisher may recover after a while.
RETRIES: Final = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL)
UNDER_WAY: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
Planned = Sequence[tuple[FamilyRun, str, str]]


def plan_update(settings: Settings, paths: Paths, repository: dg.RepositoryDefinition) -> Planned:
    """Return the runs, assets and reasons of everything that would be built now."""
    if not ingest.candidates(settings, paths):
        return []
    return list(preview(settings, paths, LoadedRepository(repository), analytics=True))


def summary(rows: Planned) -> str:
    """Return the number of assets of a plan, and the reasons of the first ones."""
    named = [f"{asset}: {reason}" for _, asset, reason in rows[:NAMED]]
    more = f"; and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{len(rows)} assets. {'; '.join(named)}{more}"


def _execute(context: dg.OpExecutionContext, settings: Settings, paths: Paths) -> None:
    repository = context.repository_def
    ingest.prepare(settings, paths, context.log.info)
    rows = plan_update(settings, paths, repository)
    for run, asset, reason in rows:
        context.log.info(f"{asset} {run.span}: {reason}")
    if not rows:
        context.log.info("Nothing to build: every table is up to date.")
        return
    analytics = any(asset.split("/")[0] in ANALYTICS for _, asset, _ in rows)
    if analytics:
        begin_spark(paths)
    runs.run_families(
        settings,
        paths,
        LoadedRepository(repository),
        context.log.info,
        analytics=analytics,
        instance=context.instance,
    )


@dg.op(retry_policy=RETRIES, out=dg.Out(dg.Nothing))
def execute_plan(context: dg.OpExecutionContext) -> None:
    """Archive, stage, build, check and publish what changed; fail if a file was left out."""
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    try:
        working_copy.prepare(paths, settings.object_storage, builds=True)
        _execute(context, settings, paths)
    except ProviderFailure:
        raise
    except PipelineError as error:
        # A retry would fail in the same way.
        raise dg.Failure(str(error), allow_retries=False) from error
    if left_out := [*ingest.left_out(paths), *unserved_symbols(paths)]:
        raise dg.Failure(f"The others were read. {' '.join(left_out)}", allow_retries=False)


@dg.job(
    name=UPDATE_JOB,
    executor_def=dg.in_process_executor,
    description="Build the changed partitions of changed assets, as `financial-pipeline plan`.",
)
def update_job() -> None:
    """Execute the plan."""
    execute_plan()


@dg.definitions
def update() -> dg.Definitions:
    """Define the job."""
    return dg.Definitions(jobs=[update_job])
