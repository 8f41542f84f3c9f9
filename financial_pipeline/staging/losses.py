"""Notes on staged files: quarantined lines, and the reading of doubtful ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from financial_pipeline.files import cached_json, replace_json
from financial_pipeline.paths import Paths
from financial_pipeline.raw.archive import read_raw_files
from financial_pipeline.schemas.staging import BEFORE_FIRST_MONTH
from financial_pipeline.staging import row_accounting

# More sentences would hide the rest of the output.
MOST_FILES = 20


def lost_lines(paths: Paths) -> list[str]:
    """A sentence for each accepted file with quarantined lines, and with lines before its data.

    The first kind comes first, and of each kind the file with most lines.
    """
    hashes = {file.sha256 for file in read_raw_files(paths) if file.refused is None}
    files = row_accounting.by_file(row_accounting.read_accounting(paths, hashes))
    quarantined = [(str(file["file"]), _counts(file["quarantined"])) for file in files]
    early = [
        (str(file["file"]), {BEFORE_FIRST_MONTH: lines})
        for file in files
        if (lines := _counts(file["notes"]).get(BEFORE_FIRST_MONTH))
    ]
    return [*_sentences(quarantined, "quarantined lines"), *_sentences(early, "lines left out")]


def _sentences(files: Sequence[tuple[str, Mapping[str, int]]], what: str) -> list[str]:
    """A sentence for each file with such lines, and one for the files beyond MOST_FILES."""
    lossy = sorted((c for c in files if c[1]), key=lambda c: (-sum(c[1].values()), c[0]))
    sentences = [
        f"{name}: {what}: {sum(lost.values()):,}"
        f" ({', '.join(f'{reason} {lines:,}' for reason, lines in lost.items())})"
        for name, lost in lossy[:MOST_FILES]
    ]
    more = len(lossy) - MOST_FILES
    return sentences + ([f"{more:,} more files have {what}"] if more > 0 else [])


def _remarks(paths: Paths) -> Path:
    return paths.staging("remarks")


def note_remarks(paths: Paths, table: str, sentences: Sequence[str]) -> None:
    """Keep the remarks of staging a table, in place of those of the run before."""
    replace_json(_remarks(paths) / f"{table}.json", {"remarks": list(sentences)})


def remarks(paths: Paths) -> list[str]:
    """Return the remarks of staging: units that were converted, totals, files that contradict."""
    kept = [cached_json(path) for path in sorted(_remarks(paths).glob("[!.]*.json"))]
    return [str(sentence) for each in kept if each for sentence in each.get("remarks", ())]


def _counts(lines: object) -> dict[str, int]:
    return lines if isinstance(lines, dict) else {}
