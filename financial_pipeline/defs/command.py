"""A command's runs: one Dagster job after another, and one publication at the end."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import dagster as dg
import polars as pl

from financial_pipeline.defs import operations
from financial_pipeline.defs.change_plan import Changes
from financial_pipeline.defs.home import Loaded
from financial_pipeline.defs.jobs import PUBLICATION, PUBLISH_JOB
from financial_pipeline.defs.resources import PUBLICATION_TAG
from financial_pipeline.defs.run_plan import (
    BARS_JOB,
    STREAM_JOBS,
    FamilyRun,
    at_latest_cutoff,
)
from financial_pipeline.defs.terminal import running
from financial_pipeline.errors import PipelineError, RefusedFile
from financial_pipeline.event_storage.command_runs import command_tags
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.raw import archive

if TYPE_CHECKING:
    # Every step's process loads this module; the simulator and Kafka's clients are for commands.
    from financial_pipeline.streaming.simulated_stream import SimulatedStream

ROWS: Final = "dagster/row_count"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Report = Callable[[str], None]
# The planned runs without those of some datasets.
PlanWithout = Callable[[Collection[str]], Sequence[FamilyRun]]
Layers = Literal["all", "ingest", "transform"]


@dataclass(frozen=True)
class Outcome:
    """The result of a command: whether it built anything, and the fault of its stream, if any."""

    has_built: bool
    stream_fault: str | None = None


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


def in_parts(keys: Sequence[dg.AssetKey]) -> list[list[dg.AssetKey]]:
    """Split the assets of a run into raw, staging and later ones: each follows what it finds."""
    files = [[key for key in keys if key.path[0] == layer] for layer in ("raw", "staging")]
    return [*files, [key for key in keys if key.path[0] not in ("raw", "staging")]]


def execute(
    run: FamilyRun,
    keys: Sequence[dg.AssetKey],
    defs: Loaded,
    instance: dg.DagsterInstance,
    publication: Publication,
) -> int:
    """Execute assets of one family run in this process, and return the number of written rows.

    Tables are registered in `publication`. Raises PipelineError with the first cause.
    """
    job = defs.resolve_job_def(run.job)
    # Without this list, Dagster adds the checks that people run alone.
    checks = {c for c in job.asset_layer.asset_graph.asset_check_keys if c.asset_key in keys}
    subset = job.get_subset(asset_selection=set(keys), asset_check_selection=checks)
    # The daemon must not repeat a run of a command, which people repeat themselves.
    tags = {**command_tags(), "dagster/max_retries": "0", PUBLICATION_TAG: publication.run}
    if run.first and run.last:
        tags |= {operations.RANGE_START: run.first, operations.RANGE_END: run.last}
    try:
        result = subset.execute_in_process(instance=instance, tags=tags, run_config=QUIET)
    except PipelineError:
        raise
    except Exception as error:
        if isinstance(error.__cause__, PipelineError):
            raise error.__cause__ from error
        raise PipelineError(
            f"The job {run.job} failed and none of its tables changed; open its run in"
            f" `financial-pipeline dev` or read {publication.paths.log}, and correct the cause:"
            f" {error}"
        ) from error
    return sum(map(_rows, result.get_asset_materialization_events()))


def _rows(event: dg.DagsterEvent) -> int:
    """Return the rows of a written asset or partition; 0 if its event has none."""
    count = event.step_materialization_data.materialization.metadata.get(ROWS)
    return count.value if isinstance(count, dg.IntMetadataValue) and count.value else 0


@dataclass
class Command:
    """Executes the changed parts of the planned runs, and publishes their tables."""

    defs: Loaded
    instance: dg.DagsterInstance
    publication: Publication
    report: Report
    layers: Layers
    changes: Changes
    has_built: bool = False
    stream_fault: str | None = None
    # The place of the running job among the planned ones; publishing is the last.
    number: int = 0
    planned: int = 0

    def run_all(self, plan_without: PlanWithout, stream: "SimulatedStream | None") -> None:
        """Execute the planned runs in order; those of the stream stop no other one.

        A dataset of which every file is refused leaves the plan. Raises RefusedFile if all do.
        """
        done: set[str] = set()
        refused: dict[str, RefusedFile] = {}
        while left := [run for run in plan_without(refused) if run.job not in done]:
            self.number, self.planned = len(done) + 1, len(done) + len(left) + 1
            try:
                self._run_one(left[0], stream)
            except RefusedFile as error:
                dataset = archive.dataset_of(self.publication.paths, error.sha256)
                refused[dataset] = error
                self.report(f"refused: every file of {dataset}; its tables keep their version")
            else:
                done.add(left[0].job)
        if refused and not plan_without(refused):
            raise next(iter(refused.values()))

    def _run_one(self, planned: FamilyRun, stream: "SimulatedStream | None") -> None:
        if stream and planned.job in STREAM_JOBS:
            self._run_of_stream(planned, stream)
        else:
            self.run(at_latest_cutoff(planned, self.publication))

    def _run_of_stream(self, planned: FamilyRun, stream: "SimulatedStream") -> None:
        """Execute a run of the stream, if no earlier one failed; the bars wait for their topics."""
        try:
            if self.stream_fault is None:
                stream.wait()
                self._execute(planned, keys_of(planned, self.defs, self.layers))
        # Clients of Kafka and Flink raise arbitrary errors; a panic in Polars is not an Exception.
        except (Exception, pl.exceptions.PanicException) as error:
            self.stream_fault = (
                "The bars, indicators and alerts keep their last version, and every other table is"
                f" published; correct the cause and repeat the command: {error}"
            )
        if planned.job == BARS_JOB:
            stream.release()

    def run(self, planned: FamilyRun) -> None:
        """Execute the changed parts of a planned run: files, staging, and later assets."""
        keys = keys_of(planned, self.defs, self.layers)
        if self.layers == "ingest":
            self._execute(planned, keys)
            return
        for part in in_parts(keys):
            with running(f"{planned.job}: what changed", self.number, self.planned):
                work = self.changes.work(planned, part)
            if work is None:
                continue
            self.changes.forget(work.keys)
            self._execute(work.run, work.keys)
            self.changes.note(planned, work)

    def _execute(self, run: FamilyRun, keys: Sequence[dg.AssetKey]) -> None:
        if not keys:
            return
        started = time.monotonic()
        layers = ", ".join(sorted({key.path[0] for key in keys}))
        with running(f"{run.job} {run.span} ({layers})", self.number, self.planned):
            rows = execute(run, keys, self.defs, self.instance, self._publication_of(run))
        self.has_built = True
        seconds = f"{time.monotonic() - started:6.1f} s"
        self.report(f"{run.job:<22} {run.span:<26} {seconds} {rows:>13,} rows")

    def _publication_of(self, run: FamilyRun) -> Publication:
        """The stream has a publication of its own, which is dropped as a whole if it failed."""
        if run.job not in STREAM_JOBS:
            return self.publication
        return Publication(self.publication.paths, f"{self.publication.run}-stream")

    def publish(self) -> Outcome:
        """Publish the built tables; tables that each publication makes are built again if lost."""
        if self.layers != "ingest" and (self.has_built or self.changes.lost_ledgers()):
            run, self.number = FamilyRun(PUBLISH_JOB), self.planned
            self._execute(run, keys_of(run, self.defs, self.layers))
            self.changes.remember()
        return Outcome(self.has_built, self.stream_fault)
