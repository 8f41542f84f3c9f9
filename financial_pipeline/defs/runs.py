"""The runs of a command: plan the partitions, then launch one Dagster job after another.

Every run belongs to one publication: the manifest moves once, after every family passed.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import dagster as dg

from financial_pipeline import world
from financial_pipeline.defs import operations
from financial_pipeline.defs.changed import Changes
from financial_pipeline.defs.followed import raw_digests
from financial_pipeline.defs.home import Loaded, fail_killed_runs, opened_home
from financial_pipeline.defs.jobs import PUBLICATION, PUBLISH_JOB
from financial_pipeline.defs.resources import PUBLICATION_TAG
from financial_pipeline.defs.run_plan import (
    ALL_DATASETS,
    BARS_JOB,
    TOPICS_JOB,
    FamilyRun,
    at_latest_cutoff,
    plan,
)
from financial_pipeline.errors import PipelineError
from financial_pipeline.event_storage.command_runs import COMMAND_TAG
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.raw import archive, ingest
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.settings import Settings
from financial_pipeline.spark.session import launch_driver, start_session

if TYPE_CHECKING:
    # Every step's process loads this module; the simulator and Kafka's clients are for commands.
    from financial_pipeline.streaming.simulated_stream import SimulatedStream

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Report = Callable[[str], None]
Layers = Literal["all", "ingest", "transform"]


def keys_of(run: FamilyRun, defs: Loaded, layers: Layers) -> list[dg.AssetKey]:
    """Return the assets of a planned run that are in these layers."""
    job = defs.resolve_job_def(run.job)
    left_out = {*run.without} | (PUBLICATION if run.job != PUBLISH_JOB else set())
    return [
        key
        for key in job.asset_layer.selected_asset_keys
        if key not in left_out
        and (layers == "all" or (key.path[0] == "raw") == (layers == "ingest"))
    ]


def execute(
    run: FamilyRun,
    keys: Sequence[dg.AssetKey],
    defs: Loaded,
    instance: dg.DagsterInstance,
    publication: Publication,
) -> None:
    """Execute assets of one family run in this process; raises PipelineError with the first cause.

    Tables are registered in `publication`.
    """
    job = defs.resolve_job_def(run.job)
    # The daemon must not repeat a run of a command, which people repeat themselves.
    tags = {**COMMAND_TAG, "dagster/max_retries": "0", PUBLICATION_TAG: publication.run}
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
            f"The job {run.job} failed and published data is unchanged; open its run in"
            f" `make dev` or read {publication.paths.log}, and correct the cause: {error}"
        ) from error


def _landed(
    settings: Settings, paths: Paths, layers: Layers, report: Report, *, is_prepared: bool
) -> list[LandedFile]:
    """Return the files to work on: those of the drop folder, or the archived ones."""
    if layers == "transform":
        world.claim_data_root(settings, paths)
        archived = [archive.accepted_files(paths, dataset) for dataset in ALL_DATASETS]
        landed = [file.landed for files in archived for file in files]
        place = f"The raw archive {paths.raw} contains no file; run `make ingest` first."
    else:
        if not is_prepared:
            ingest.prepare(settings, paths, report)
        landed = ingest.landed_files(settings, paths)
        for sentence in ingest.named_copies(settings, landed):
            report(sentence)
        place = (
            f"The drop folder {ingest.landing_folder(settings, paths)} contains no data file; put"
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
    load: Callable[[], Loaded],
    report: Report,
    layers: Layers = "all",
    *,
    analytics: bool = False,
    stream: "SimulatedStream | None" = None,
    rebuild: bool = False,
    instance: dg.DagsterInstance | None = None,
) -> bool:
    """Archive, stage, build and export what changed, then publish all tables at once.

    `layers` stops after the archive or starts after it; `stream` adds the bars of simulated trades;
    `rebuild` builds also what has not changed; `instance` is that of a running job, which has
    prepared the files. `report` must not write to `sys.stdout`. Returns whether anything was built.
    """
    publication = Publication(paths, f"command-{uuid.uuid4()}")
    with ExitStack() as stack:
        if analytics:
            launch_driver()
        if stream:
            stack.enter_context(stream)
        if analytics:
            _begin_spark()
        landed = _landed(settings, paths, layers, report, is_prepared=instance is not None)
        stack.enter_context(locked(paths.dagster_home / "command.lock"))
        if instance is None:
            instance = stack.enter_context(opened_home(paths))
        defs = load()
        stack.callback(operations.record, instance, paths, settings)
        fail_killed_runs(instance)
        raw = raw_digests(paths, landed if layers == "all" else [])
        changes = Changes(publication, settings, defs, raw, rebuild=rebuild)
        command = _Command(defs, instance, publication, report, layers, changes)
        bars = stream.prices_are_there() if stream else None
        command.run_all(plan(landed, analytics=analytics, bars=bars), stream)
        return command.publish()


@dataclass
class _Command:
    """Executes the parts of the planned runs that changed, and publishes what they built."""

    defs: Loaded
    instance: dg.DagsterInstance
    publication: Publication
    report: Report
    layers: Layers
    changes: Changes
    has_built: bool = False

    def run_all(self, planned_runs: Sequence[FamilyRun], stream: "SimulatedStream | None") -> None:
        """Execute the planned runs in order; the bars wait for their topics."""
        for planned in planned_runs:
            if stream and planned.job == TOPICS_JOB:
                stream.wait()
            self.run(at_latest_cutoff(planned, self.publication))
            if stream and planned.job == BARS_JOB:
                stream.release()

    def run(self, planned: FamilyRun) -> None:
        """Execute what changed of a planned run: first the files, then what follows from them."""
        keys = keys_of(planned, self.defs, self.layers)
        if self.layers == "ingest" or planned.job in (TOPICS_JOB, BARS_JOB):
            self._execute(planned, keys)
            return
        files = [key for key in keys if key.path[0] in ("raw", "staging")]
        for part in (files, [key for key in keys if key not in files]):
            work = self.changes.work(planned, part)
            if work is None:
                continue
            self.changes.forget(work.keys)
            self._execute(work.run, work.keys)
            self.changes.note(planned, work.keys)

    def _execute(self, run: FamilyRun, keys: Sequence[dg.AssetKey]) -> None:
        if not keys:
            return
        started = time.monotonic()
        execute(run, keys, self.defs, self.instance, self.publication)
        self.has_built = True
        self.report(f"{run.job:<22} {run.span:<26} {time.monotonic() - started:6.1f} s")

    def publish(self) -> bool:
        """Publish what was built, and return whether that was anything."""
        if self.has_built and self.layers != "ingest":
            run = FamilyRun(PUBLISH_JOB)
            self._execute(run, keys_of(run, self.defs, self.layers))
            self.changes.remember()
        return self.has_built


def _begin_spark() -> None:
    """Start the session while the first jobs run."""
    threading.Thread(target=_start_spark, name="spark", daemon=True).start()


def _start_spark() -> None:
    """Start the session that the metric jobs join; the first of them raises any error."""
    with suppress(Exception):
        start_session()
