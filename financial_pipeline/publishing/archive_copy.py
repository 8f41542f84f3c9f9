"""The raw archive and the model artifacts of a working copy, which move with the batch channel.

Files under their hash never change and are uploaded once. The ledgers do change: the batch channel
names them by hash, so that tables and ledgers move in the same put.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import DAMAGE, locked, replace_file, sha256
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.bucket import Bucket, in_parallel

# Folders of files under their hash: `<folder>/<dataset>/<hash>/<file>`, `<folder>/<hash>/<file>`.
ARCHIVE: Final = "raw"
ARTIFACTS: Final = "ml/artifacts"
LEDGERS: Final = "ledgers"
FILES_OF_ARCHIVE: Final = "raw/manifest.jsonl"
# Landed messages and their ledger belong to the machine that reads the topics.
OWN: Final = "stream"
LEDGER: Final = re.compile(r"world\.json|raw/[a-z_]+\.jsonl")


def _files(paths: Paths) -> Iterator[Path]:
    for path in paths.raw.glob("[!.]*/[!.]*/[!.]*"):
        if path.relative_to(paths.raw).parts[0] != OWN:
            yield path
    yield from (paths.data_root / ARTIFACTS).glob("[!.]*/[!.]*")


def _ledgers(paths: Paths) -> Iterator[Path]:
    yield from (path for path in [paths.data_root / "world.json"] if path.exists())
    yield from sorted(paths.raw.glob("[!.]*.jsonl"))


def upload(bucket: Bucket, paths: Paths) -> dict[str, str]:
    """Upload new raw files, artifacts and ledgers; return the hash of each ledger by path."""
    # The ledgers first: a file that arrives meanwhile is then not an error.
    contents = {path: path.read_bytes() for path in _ledgers(paths)}
    stored = {key for place in (ARCHIVE, ARTIFACTS, LEDGERS) for key in bucket.listed(f"{place}/")}
    files = {path.relative_to(paths.data_root).as_posix(): path for path in _files(paths)}
    in_parallel(lambda key: bucket.put(key, files[key]), sorted(files.keys() - stored))
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    for path, content in contents.items():
        if f"{LEDGERS}/{digests[path]}" not in stored:
            bucket.put(f"{LEDGERS}/{digests[path]}", content)
    return {path.relative_to(paths.data_root).as_posix(): d for path, d in digests.items()}


def prune_ledgers(bucket: Bucket, named: Collection[str], limit: datetime) -> None:
    """Remove the ledgers, older than a time, that no version names by their hash."""
    stored = bucket.listed(f"{LEDGERS}/")
    keys = [key for key, each in stored.items() if each.written_at < limit]
    bucket.delete([key for key in keys if key.rpartition("/")[2] not in named])


def take_ledgers(
    bucket: Bucket, paths: Paths, theirs: Mapping[str, str], known: Mapping[str, str]
) -> None:
    """Replace the ledgers of a working copy by those of the bucket.

    `theirs` and `known` are the hashes of the bucket now and at the last pull or publication. Lines
    that were added here since then stay.
    """
    with locked(paths.raw / ".lock"):
        for name, digest in theirs.items():
            if not LEDGER.fullmatch(name):
                raise PipelineError(f"{bucket.address} names the ledger {name[:80]!r}.")
            file = paths.data_root / name
            ours = sha256(file) if file.exists() else None
            if ours == digest:
                continue
            found = bucket.read(f"{LEDGERS}/{digest}")
            if found is None or found.content is None:
                raise PipelineError(f"{bucket.address} has lost the ledger {name}; restore it.")
            content = found.content.decode("utf-8")
            if ours is not None and ours != known.get(name):
                content = _joined(bucket, name, content, file.read_text("utf-8"))
            replace_file(file, content)


def _joined(bucket: Bucket, name: str, theirs: str, ours: str) -> str:
    """Return the lines of both ledgers, of two about the same file theirs."""
    if name == "world.json":
        raise PipelineError(
            f"{bucket.address} contains another world than this working copy; use the options it"
            " was built with, or another address."
        )
    lines = {_key(name, line): line for line in theirs.splitlines()}
    for line in ours.splitlines():
        lines.setdefault(_key(name, line), line)
    return "".join(f"{line}\n" for line in lines.values())


def _key(name: str, line: str) -> str:
    if name != FILES_OF_ARCHIVE:
        return line
    try:
        row = json.loads(line)
        landed = row["landed"]
        return f"{row['sha256']} {landed['dataset']} {landed['subject']} {landed['snapshot_date']}"
    except DAMAGE:
        return line


def archived_folders(paths: Paths) -> set[str]:
    """Return the folders of the files that the ledger of the archive names."""
    ledger = paths.data_root / FILES_OF_ARCHIVE
    lines = ledger.read_text("utf-8").splitlines() if ledger.exists() else []
    places = [str(json.loads(line)["archived_path"]) for line in lines]
    return {place.rpartition("/")[0] for place in places}
