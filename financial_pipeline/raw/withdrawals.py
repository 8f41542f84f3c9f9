"""Withdrawn files: archived, but no longer used, until they are restored.

The archive keeps every file. The ledger `raw/withdrawals.jsonl` only grows; the last line about a
file decides.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import append_lines, locked, recorded_lines
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import RawFile

Action = Literal["withdraw", "restore"]
# The start of a SHA-256 that names a file.
SHORTEST_HASH: Final = 8
# The ledgers of the raw archive are the only record of what arrived.
DAMAGED: Final = "correct that line, or restore the file from a backup"


def _ledger(paths: Paths) -> Path:
    return paths.raw / "withdrawals.jsonl"


def ledger(paths: Paths) -> list[dict[str, Any]]:
    """All actions in order: key, file, action, at."""
    return recorded_lines(_ledger(paths), DAMAGED, _line)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "key": str(row["key"]), "action": str(row["action"])}


def withdrawn(paths: Paths) -> frozenset[str]:
    """The keys of the files that are withdrawn now."""
    last = {line["key"]: line["action"] for line in ledger(paths)}
    return frozenset(name for name, action in last.items() if action == "withdraw")


def record(paths: Paths, file: RawFile, action: Action) -> None:
    """Note that a file was withdrawn or restored now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"key": file.identity, "file": str(file.landed.path), "action": action, "at": now}
    with locked(paths.raw / ".lock"):
        append_lines(_ledger(paths), [json.dumps(line)])


def find(paths: Paths, files: Sequence[RawFile], name: str, action: Action) -> RawFile:
    """Return the archived file that a path, a file name or the start of a hash names.

    Raises PipelineError if there is none to withdraw (or to restore), or more than one.
    """
    gone = withdrawn(paths)
    wanted = [file for file in files if (file.identity in gone) == (action == "restore")]
    found = [file for file in wanted if _is_named(file, name)]
    if len(found) == 1:
        return found[0]
    if found:
        times = [f"{file.sha256[:12]} of {file.fetched_at:%Y-%m-%d %H:%M}" for file in found]
        listed = "; ".join(times)
        raise PipelineError(
            f"{name} names {len(found)} archived files ({listed}); pass the hash of the one to"
            f" {action}."
        )
    known = ", ".join(sorted({file.landed.path.name for file in wanted})) or "none"
    raise PipelineError(f"No archived file to {action} is named {name}; expected one of: {known}.")


def _is_named(file: RawFile, name: str) -> bool:
    path = file.landed.path
    is_hash = len(name) >= SHORTEST_HASH and file.sha256.startswith(name)
    return is_hash or name in (path.name, str(path)) or Path(name).resolve() == path.resolve()
