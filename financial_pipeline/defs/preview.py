"""What a command would build and why, without building it."""

from collections.abc import Iterator

from financial_pipeline.defs.changed import Changes
from financial_pipeline.defs.command import keys_of
from financial_pipeline.defs.followed import raw_digests
from financial_pipeline.defs.home import Loaded
from financial_pipeline.defs.run_plan import FamilyRun, at_latest_cutoff, plan
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.publication import Publication
from financial_pipeline.raw import ingest
from financial_pipeline.settings import Settings


def preview(
    settings: Settings, paths: Paths, defs: Loaded, *, analytics: bool
) -> Iterator[tuple[FamilyRun, str, str]]:
    """Yield the run, the asset and the reason for everything that would be built, in order.

    An asset is named too if an input of it is built: it is left out of the run after all if that
    input turns out to have equal content.
    """
    landed = ingest.landed_files(settings, paths)
    publication = Publication(paths, "preview")
    raw = raw_digests(paths, landed, is_preview=True)
    changes = Changes(publication, settings, defs, raw, rebuild=False)
    rebuilt: set[str] = set()
    for planned in plan(landed, analytics=analytics):
        run = at_latest_cutoff(planned, publication)
        reasons = changes.reasons(run, keys_of(run, defs, "all"), rebuilt)
        rebuilt |= reasons.keys()
        for asset, reason in reasons.items():
            yield run, asset, reason
