"""What people should know of staged files: quarantined lines, and how doubtful ones were read."""

from collections.abc import Sequence
from pathlib import Path

from financial_pipeline.files import cached_json, replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.raw.archive import read_raw_files
from financial_pipeline.staging import row_accounting

# More sentences would hide the others.
MOST_FILES = 20


def lost_lines(paths: Paths) -> list[str]:
    """A sentence for each accepted file with quarantined lines, most lines first."""
    hashes = {file.sha256 for file in read_raw_files(paths) if file.refused is None}
    files = row_accounting.by_file(row_accounting.read_accounting(paths, hashes))
    counts = [(str(file["file"]), _counts(file["quarantined"])) for file in files]
    lossy = sorted((c for c in counts if c[1]), key=lambda c: (-sum(c[1].values()), c[0]))
    sentences = [
        f"{name}: quarantined lines: {sum(lost.values()):,}"
        f" ({', '.join(f'{reason} {lines:,}' for reason, lines in lost.items())})"
        for name, lost in lossy[:MOST_FILES]
    ]
    more = len(lossy) - MOST_FILES
    return sentences + ([f"{more:,} more files have quarantined lines"] if more > 0 else [])


def _remarks(paths: Paths) -> Path:
    return paths.staging("remarks")


def note_remarks(paths: Paths, table: str, sentences: Sequence[str]) -> None:
    """Keep the remarks of staging a table, in place of those of the run before."""
    replace_json(_remarks(paths) / f"{table}.json", {"remarks": list(sentences)})


def remarks(paths: Paths) -> list[str]:
    """Return what staging remarked: units that were converted, totals, files that contradict."""
    kept = [cached_json(path) for path in sorted(_remarks(paths).glob("[!.]*.json"))]
    return [str(sentence) for each in kept if each for sentence in each.get("remarks", ())]


def _counts(quarantined: object) -> dict[str, int]:
    return quarantined if isinstance(quarantined, dict) else {}
