"""Checkpoints and savepoints on disk: which is the newest whole one, and which are of no use."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import cached_json, replace_json
from financial_pipeline.publishing.bucket import Bucket, Unreachable
from financial_pipeline.settings import Settings

KEPT = 3
EARLIER = "unknown"
LOCAL = "file:"
# Flink's names of S3, by the plugin that reads it.
S3_SCHEMES = ("s3://", "s3a://", "s3p://")
METADATA = re.compile(r"chk-(\d+)/_metadata")


def states(folder: Path) -> list[Path]:
    """Whole checkpoints and savepoints below Flink's folder, oldest first.

    One is whole as soon as it has its `_metadata`, which Flink writes last.
    """
    found = [
        *folder.glob("checkpoints/*/chk-*/_metadata"),
        *folder.glob("savepoints/savepoint-*/_metadata"),
    ]
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]


def newest_state(folder: Path) -> Path | None:
    """Return the savepoint or checkpoint to resume from, if any."""
    found = states(folder)
    return found[-1] if found else None


def completed_checkpoint(folder: Path, job_id: str) -> int:
    """Number of the last completed checkpoint of a job, 0 before the first."""
    return _newest_number(_local_files(folder / "checkpoints" / job_id))


def newest_checkpoint(address: str) -> str | None:
    """Return the address of the newest whole checkpoint in a job's folder of checkpoints.

    None if there is none, or if `address` is neither a folder that this machine sees nor one of a
    bucket that the settings open.
    """
    if address.startswith(S3_SCHEMES):
        files = _stored_files(address)
    elif address.startswith(LOCAL):
        files = _local_files(Path(address.removeprefix(LOCAL)))
    else:
        return None
    number = _newest_number(files)
    return f"{address}/chk-{number}" if number else None


def _stored_files(address: str) -> list[str]:
    place = address.partition("://")[2]
    try:
        return [*Bucket(f"s3://{place}", Settings()).listed("")]
    except Unreachable:
        # The checkpoints may be on a service of the Flink cluster alone.
        return []


def _local_files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.glob("chk-*/_metadata")]


def _newest_number(files: list[str]) -> int:
    """Return the number of the newest checkpoint of which these files have the metadata, or 0."""
    return max((int(found[1]) for file in files if (found := METADATA.fullmatch(file))), default=0)


def clear_old_states(folder: Path, keep: Path | None) -> None:
    """Delete all but the newest states and the one that was resumed from."""
    for path in states(folder)[:-KEPT]:
        if path != keep:
            shutil.rmtree(path, ignore_errors=True)


def require_same_job(folder: Path, facts: Mapping[str, str], advice: str) -> None:
    """Record the facts that the job depends on, by a readable name.

    Raises PipelineError with `advice` if there are states of a job with other facts.
    """
    file = folder / "job.json"
    if states(folder):
        require_same_facts(cached_json(file) or {}, facts, advice)
    replace_json(file, dict(facts))


def require_same_facts(held: Mapping[str, str], facts: Mapping[str, str], advice: str) -> None:
    """Raise PipelineError with `advice` if the job of a state had other facts.

    Flink would resume from it without a word, and mix both.
    """
    changed = [
        f"{name} was {held.get(name, EARLIER)} and is {value}"
        for name, value in facts.items()
        if held.get(name) != value
    ]
    if changed:
        raise PipelineError(
            f"The stream cannot resume from its checkpoint: {'; '.join(changed)}. Undo the change,"
            f" or start over. {advice}"
        )
