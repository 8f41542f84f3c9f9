"""Quarantined lines of the accepted files, a sentence for each file."""

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


def _counts(quarantined: object) -> dict[str, int]:
    return quarantined if isinstance(quarantined, dict) else {}
