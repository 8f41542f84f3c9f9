"""The inputs of the published tables, per asset: the file `built.json` of a data root.

An entry is removed, on the disk, before anything of its asset is built, and written again after the
publication. A crash in between, or a damaged file, therefore costs a rebuild and never a wrong
skip.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from financial_pipeline.changes import unchanged
from financial_pipeline.files import cached_record, locked, replace_json
from financial_pipeline.paths import Paths


@dataclass(frozen=True)
class Built:
    """The inputs of a built asset; two equal entries mean equal content, whenever they were noted.

    `code` and `settings` are hashes; `span` has the first and the last partition; `reads` has the
    hash of each input; `wrote` is the content hash of a published table or staging folder, and
    `files` the hash of each partition of a staging folder. `noted_at` are seconds since 1970.
    """

    code: str
    settings: str
    span: tuple[str, str] | None
    reads: dict[str, str] = field(default_factory=dict)
    wrote: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    noted_at: float = field(default=0.0, compare=False)


ENTRIES: Final = TypeAdapter(dict[str, Built])


def _file(paths: Paths) -> Path:
    return paths.data_root / "built.json"


def read(paths: Paths) -> dict[str, Built]:
    """Return the entries by asset key (`layer/name`); none if the file is missing or damaged."""
    return cached_record(_file(paths), ENTRIES) or {}


def forget(paths: Paths, keys: Collection[str] | None) -> None:
    """Remove the entries of assets that are about to be built; None removes all."""
    unchanged.forget(paths)
    with locked(paths.data_root / ".built.lock"):
        known = read(paths)
        kept = {} if keys is None else {k: row for k, row in known.items() if k not in keys}
        if kept != known or not known:
            replace_json(_file(paths), {key: asdict(row) for key, row in kept.items()})


def remember(paths: Paths, entries: Mapping[str, Built]) -> None:
    """Add the entries of assets whose tables are current."""
    with locked(paths.data_root / ".built.lock"):
        rows = {key: asdict(row) for key, row in {**read(paths), **entries}.items()}
        replace_json(_file(paths), rows)
