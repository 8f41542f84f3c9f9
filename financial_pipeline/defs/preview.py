"""The plan of a command with its reasons, without building anything."""

from collections.abc import Iterator

from financial_pipeline.defs.change_plan import Changes
from financial_pipeline.defs.command import in_parts, keys_of
from financial_pipeline.defs.home import Loaded
from financial_pipeline.defs.jobs import PUBLISH_JOB
from financial_pipeline.defs.partition_inputs import raw_digests
from financial_pipeline.defs.run_plan import FamilyRun, at_latest_cutoff, plan
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.raw import ingest
from financial_pipeline.settings import Settings


def preview(
    settings: Settings, paths: Paths, defs: Loaded, *, analytics: bool
) -> Iterator[tuple[FamilyRun, str, str]]:
    """Yield the run, the asset and the reason for everything that would be built, in order.

    Prices and macro series are read to tell which partitions change. Elsewhere, an asset is named
    if an input of it is built: it is left out after all if that input has equal content.
    """
    landed = ingest.landed_files(settings, paths)
    publication = Publication(paths, "preview")
    raw = raw_digests(paths, landed, is_preview=True)
    changes = Changes(publication, settings, defs, raw, landed, rebuild=False)
    rebuilt: set[str] = set()
    for planned in plan(landed, analytics=analytics):
        run = at_latest_cutoff(planned, publication)
        for part in in_parts(keys_of(run, defs, "all")):
            reasons = changes.reasons(run, part, rebuilt)
            narrowed = changes.narrow(run, reasons) if reasons else run
            rebuilt |= changes.foreseen(run, reasons)
            for asset, reason in reasons.items():
                yield narrowed, asset, reason
    for asset, reason in changes.lost_ledgers().items():
        yield FamilyRun(PUBLISH_JOB), asset, reason
