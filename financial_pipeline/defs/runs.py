"""The runs of a command: plan the partitions, then launch one Dagster job after another.

Every run belongs to one publication: the manifest moves once, after every family passed.
"""

import uuid
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from financial_pipeline import world
from financial_pipeline.defs import operations
from financial_pipeline.defs.change_plan import Changes
from financial_pipeline.defs.command import Command, Layers, Outcome, Report
from financial_pipeline.defs.home import Loaded, fail_killed_runs, open_home
from financial_pipeline.defs.partition_inputs import raw_digests
from financial_pipeline.defs.run_plan import FamilyRun, plan
from financial_pipeline.errors import NoDropFolder, PipelineError
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.raw import ingest, refusals
from financial_pipeline.schemas.raw import RAW_DATASETS, LandedFile
from financial_pipeline.settings import Settings

if TYPE_CHECKING:
    # Every step's process loads this module; the simulator and Kafka's clients are for commands.
    from financial_pipeline.streaming.simulated_stream import SimulatedStream


def _files_to_build(
    settings: Settings, paths: Paths, layers: Layers, report: Report, *, is_prepared: bool
) -> list[LandedFile]:
    """Return the files to work on: those of the drop folder, or the archived ones."""
    if layers == "transform":
        world.claim_data_root(settings, paths)
        landed = refusals.pending(settings, paths)
        if not landed:
            raise PipelineError(
                f"The raw archive {paths.raw} contains no file; run `financial-pipeline ingest`"
                " first."
            )
    else:
        if not is_prepared:
            ingest.prepare(settings, paths, report)
        landed = ingest.landed_files(settings, paths)
        for sentence in ingest.named_copies(settings, landed):
            report(sentence)
        if not landed:
            raise NoDropFolder(ingest.landing_folder(settings, paths))
    for absent in sorted(set(RAW_DATASETS) - {file.dataset for file in landed}):
        report(f"absent: {absent}; its assets are skipped")
    return landed


def run_families(
    settings: Settings,
    paths: Paths,
    defs: Loaded,
    report: Report,
    layers: Layers = "all",
    *,
    analytics: bool = False,
    stream: "SimulatedStream | None" = None,
    rebuild: bool = False,
    instance: dg.DagsterInstance | None = None,
) -> Outcome:
    """Archive, stage, build and export the changed data, then publish all tables at once.

    `layers` stops after the archive or starts after it; `stream` adds the bars of simulated trades;
    `rebuild` also builds unchanged assets; `instance` is that of a running job, which has prepared
    the files. `report` must not write to `sys.stdout`.
    """
    publication = Publication(paths, f"command-{uuid.uuid4()}")
    with ExitStack() as stack:
        if stream:
            stack.enter_context(stream)
        landed = _files_to_build(settings, paths, layers, report, is_prepared=instance is not None)
        stack.enter_context(locked(paths.dagster_home / "command.lock"))
        if instance is None:
            instance = stack.enter_context(open_home(paths))
        stack.callback(_record, instance, paths, settings, report, defs)
        fail_killed_runs(instance)
        coming = landed if layers == "all" else []
        raw = raw_digests(paths, coming)
        changes = Changes(publication, settings, defs, raw, coming, rebuild=rebuild)
        command = Command(defs, instance, publication, report, layers, changes)
        bars = stream.prices_are_there() if stream else None
        command.run_all(partial(_plan_without, landed, analytics, bars), stream)
        return command.publish()


def _plan_without(
    landed: Sequence[LandedFile],
    analytics: bool,
    bars: tuple[str, str] | None,
    refused: Collection[str],
) -> list[FamilyRun]:
    """Plan the runs of the landed files but those of refused datasets."""
    left = [file for file in landed if file.dataset not in refused]
    return plan(left, analytics=analytics, bars=bars) if left else []


def _record(
    instance: dg.DagsterInstance, paths: Paths, settings: Settings, report: Report, defs: Loaded
) -> None:
    """Record the runs; a full disk at this point does not undo the publication.

    Nor does another machine that recorded its runs in the same bucket meanwhile.
    """
    try:
        operations.record(
            instance, paths, settings, lambda: operations.descriptions(defs.resolve_asset_graph())
        )
    except (OSError, PipelineError) as error:
        report(f"The operations tables keep their last version: {error}")
