"""The drop folder as a sensor: content that is not in the archive yet starts a raw run.

A copy under another name, a touched file or a restart of the daemon starts nothing, because only
the content hash counts.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from financial_pipeline.changes.landed import Hashes, content_hashes
from financial_pipeline.defs import operations, switches
from financial_pipeline.defs.partitions import FILE_MONTHS, RELEASE_MONTHS, SESSIONS
from financial_pipeline.defs.run_plan import within
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive, ingest
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.settings import Settings
from financial_pipeline.sources import landing

PARTITIONS: dict[str, dg.PartitionsDefinition] = {
    "lending_club_loans": FILE_MONTHS,
    "lending_club_rejections": FILE_MONTHS,
    "bank_prices": SESSIONS,
    "fred_observations": RELEASE_MONTHS,
}
RAW_JOBS = {dataset: f"raw_{dataset}_job" for dataset in PARTITIONS}
JOBS = [
    dg.define_asset_job(
        job,
        selection=dg.AssetSelection.assets(["raw", dataset]),
        description=f"Archive what is new of {dataset}.",
    )
    for dataset, job in RAW_JOBS.items()
]
# A file that changed within this time may still be on its way into the folder.
SETTLED_SECONDS = 10.0
SECONDS_BETWEEN = 60


def _span(dataset: str, files: Sequence[LandedFile]) -> tuple[str, str]:
    """Return the partitions of new files: their sessions, or the months they arrived in."""
    if dataset == "bank_prices":
        first, last = min(f.first_date for f in files), max(f.last_date for f in files)
    else:
        months = [(f.snapshot_date or f.last_date).replace(day=1) for f in files]
        first, last = min(months), max(months)
    return within(PARTITIONS[dataset], first, last)


def _requests(paths: Paths, files: Sequence[Path], hashes: Hashes) -> Iterator[dg.RunRequest]:
    archived = {file.sha256 for file in archive.read_raw_files(paths)}
    fresh = [landing.detect(path) for path in files if hashes[str(path)][1] not in archived]
    for dataset, job in RAW_JOBS.items():
        new = [file for file in fresh if file.dataset == dataset]
        if not new:
            continue
        first, last = _span(dataset, new)
        marks = sorted("".join(hashes[str(file.path)]) for file in new)
        # Touching a file after a failed run requests it again.
        key = hashlib.sha256("".join(marks).encode()).hexdigest()[:16]
        yield dg.RunRequest(
            run_key=f"{dataset} {key}",
            job_name=job,
            tags={operations.RANGE_START: first, operations.RANGE_END: last},
        )


@dg.sensor(
    name="drop_folder_sensor",
    jobs=JOBS,
    minimum_interval_seconds=SECONDS_BETWEEN,
    default_status=switches.sensors_start(),
    description="Archives new files of the drop folder; a file is new if its content hash is.",
)
def drop_folder_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Request one raw run per dataset with new content; an unknown format raises, which alerts."""
    settings = Settings()
    paths = Paths(settings.data_root.resolve())
    folder = ingest.landing_folder(settings, paths)
    found = landing.candidates(folder) if folder.is_dir() else []
    settled = [path for path in found if time.time() - path.stat().st_mtime > SETTLED_SECONDS]
    hashes = content_hashes(settled, json.loads(context.cursor or "{}"))
    requests = list(_requests(paths, settled, hashes))
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(hashes))


@dg.definitions
def drop_folder() -> dg.Definitions:
    """Define the sensor, and one job per raw dataset, which schedules also start."""
    return dg.Definitions(jobs=JOBS, sensors=[drop_folder_sensor])
