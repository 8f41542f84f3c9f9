"""Run the whole graph family by family in this process, as the commands and cron do.

Each family runs once over the range of partitions that landed, side by side where nothing is
shared; the published manifest moves once, after every family passed.
"""

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Literal

import dagster as dg

from financial_pipeline import world
from financial_pipeline.defs import killed_runs, operations
from financial_pipeline.defs.jobs import PUBLICATION, PUBLISH_JOB
from financial_pipeline.defs.lanes import Runs, SecondLane, run_lanes
from financial_pipeline.defs.resources import DBT_PROJECT, PUBLICATION_TAG, point_dbt_at_data_root
from financial_pipeline.defs.run_plan import (
    BARS_JOB,
    TOPICS_JOB,
    FamilyRun,
    at_latest_cutoff,
    bars_of,
    plan,
)
from financial_pipeline.defs.warehouse.warm_dbt import warm_dbt
from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.raw import archive, ingest
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.settings import PROJECT_ROOT, Settings
from financial_pipeline.spark.session import start_session

if TYPE_CHECKING:
    # It brings the simulator and the clients of Kafka, and every step's process loads this module.
    from financial_pipeline.streaming.simulated_stream import SimulatedStream

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Report = Callable[[str], None]
Layers = Literal["all", "ingest", "transform"]
ALL_DATASETS = (
    "lending_club_loans",
    "lending_club_rejections",
    "bank_prices",
    "fred_observations",
)


def prepare_home(paths: Paths) -> None:
    """Make Dagster's home under the data root, with the repository's `dagster.yaml` in it."""
    profile = "docs/dagster.postgres.yaml" if Settings().postgres_url else "dagster.yaml"
    paths.dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT_ROOT / profile, paths.dagster_home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(paths.dagster_home)


def _keys(run: FamilyRun, job: dg.JobDefinition, layers: Layers) -> list[dg.AssetKey]:
    left_out = {*run.without} | (PUBLICATION if run.job != PUBLISH_JOB else set())
    return [
        key
        for key in job.asset_layer.selected_asset_keys
        if key not in left_out
        and (layers == "all" or (key.path[0] == "raw") == (layers == "ingest"))
    ]


def execute(
    run: FamilyRun,
    layers: Layers,
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    publication: Publication,
) -> bool:
    """Execute one family run in this process; raises PipelineError with the first cause.

    Returns whether the family has assets in these layers. Tables are registered in
    `publication`.
    """
    job = defs.resolve_job_def(run.job)
    keys = _keys(run, job, layers)
    if not keys:
        return False
    # The daemon must not repeat a run of a command, which people repeat themselves.
    tags = {**killed_runs.COMMAND_TAG, "dagster/max_retries": "0"}
    tags[PUBLICATION_TAG] = publication.run
    if run.first and run.last:
        tags |= {operations.RANGE_START: run.first, operations.RANGE_END: run.last}
    try:
        job.execute_in_process(instance=instance, asset_selection=keys, tags=tags, run_config=QUIET)
    except PipelineError:
        raise
    except Exception as error:
        if isinstance(error.__cause__, PipelineError):
            raise error.__cause__ from error
        raise PipelineError(
            f"The job {run.job} failed and nothing published changed; look at its run in"
            f" `make dev` or into {publication.paths.log}, and mend what it says: {error}"
        ) from error
    return True


def _landed(settings: Settings, paths: Paths, layers: Layers, report: Report) -> list[LandedFile]:
    """What there is to work on: the drop folder, or what the archive holds of it."""
    if layers == "transform":
        world.claim_data_root(settings, paths)
        archived = [archive.accepted_files(paths, dataset) for dataset in ALL_DATASETS]
        landed = [file.landed for files in archived for file in files]
        place = f"The raw archive {paths.raw} holds no file; run `make ingest` first."
    else:
        ingest.prepare(settings, paths, report)
        landed = ingest.landed_files(settings, paths)
        for sentence in ingest.named_copies(settings, landed):
            report(sentence)
        place = (
            f"The drop folder {ingest.landing_folder(settings, paths)} holds no data file; put"
            " loan, price or macro files there (README, section Real data)."
        )
    if not landed:
        raise PipelineError(place)
    for absent in sorted(set(ALL_DATASETS) - {file.dataset for file in landed}):
        report(f"absent: {absent}; its assets are skipped")
    return landed


def run_families(
    settings: Settings,
    paths: Paths,
    load: Callable[[], dg.Definitions],
    report: Report,
    layers: Layers = "all",
    *,
    analytics: bool = False,
    stream: "SimulatedStream | None" = None,
) -> None:
    """Archive, stage, build and export what landed, then publish it all at once.

    `load` gives the definitions once there is something to run. `layers` may stop after the
    archive (`ingest`) or start behind it (`transform`); `analytics` adds the Spark metrics and the
    default model, `stream` the bars of simulated trades. `report` is told each step as it ends and
    must not write to `sys.stdout`, which goes to the log. Raises PipelineError with one sentence.
    """
    publication = Publication(paths, f"command-{uuid.uuid4()}")
    with ExitStack() as stack:
        if layers != "ingest":
            stack.enter_context(warm_dbt(DBT_PROJECT, point_dbt_at_data_root().dbt_target))
        second = None
        if analytics:
            second = SecondLane(partial(_work_beside, load, layers, publication, report))
            stack.callback(second.stop)
        if stream:
            # After the forks, for it is a thread.
            stack.enter_context(stream)
        landed = _landed(settings, paths, layers, report)
        prepare_home(paths)
        defs = load()
        stack.enter_context(locked(paths.dagster_home / "command.lock"))
        instance = stack.enter_context(_instance(paths))
        stack.callback(operations.record, instance, paths, settings)
        killed_runs.fail_killed_runs(instance)
        run_one = partial(_run_one, layers, defs, instance, publication, report)
        bars = bars_of(*stream.prices_are_there()) if stream else []
        planned = [*plan(landed, analytics=analytics), *bars]
        run_lanes(planned, partial(_beside_stream, run_one, stream), second)
        run_one(FamilyRun(PUBLISH_JOB))


def _beside_stream(
    run_one: Callable[[FamilyRun], None], stream: "SimulatedStream | None", run: FamilyRun
) -> None:
    """Execute a run; what reads the topics waits for them, and lets them go after the last."""
    if stream and run.job == TOPICS_JOB:
        stream.wait()
    run_one(run)
    if stream and run.job == BARS_JOB:
        stream.release()


@contextmanager
def _instance(paths: Paths) -> Iterator[dg.DagsterInstance]:
    """The data root's Dagster; what dbt and others print meanwhile goes to the log."""
    os.environ["DAGSTER_HOME"] = str(paths.dagster_home)
    with (
        dg.DagsterInstance.get() as instance,
        paths.log.open("a", encoding="utf-8") as log,
        redirect_stdout(log),
    ):
        yield instance


def _run_one(
    layers: Layers,
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    publication: Publication,
    report: Report,
    planned: FamilyRun,
) -> None:
    started = time.monotonic()
    run = at_latest_cutoff(planned, publication)
    if execute(run, layers, defs, instance, publication):
        report(f"{run.job:<22} {_span_text(run):<26} {time.monotonic() - started:6.1f} s")


def _work_beside(
    load: Callable[[], dg.Definitions],
    layers: Layers,
    publication: Publication,
    report: Report,
    runs: Runs,
) -> None:
    """The second lane's process: Spark starts while the tables are still being filled."""
    defs = load()
    # A fault is told by the first run that needs Spark.
    with suppress(Exception):
        start_session()
    waiting = runs()
    if (first := next(waiting, None)) is None:
        return
    with _instance(publication.paths) as instance:
        for run in chain([first], waiting):
            _run_one(layers, defs, instance, publication, report, run)


def _span_text(run: FamilyRun) -> str:
    return f"{run.first} to {run.last}" if run.first else ""
