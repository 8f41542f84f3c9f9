"""Detection of the files of a drop folder, by content and never by name."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources import bank_prices, fred, lending_club, rejections
from financial_pipeline.sources.compression import EmptyFile, first_lines, is_system_name
from financial_pipeline.sources.fred_identity import price_header
from financial_pipeline.sources.price_layout import foreign_columns, has_no_adjusted_close
from financial_pipeline.sources.provenance import RECORD_NAME
from financial_pipeline.sources.table_parts import is_part, table_of

# Enough for the longest preamble before a header.
SEEN_LINES = 20
# More columns than any known file has: a FRED series has a column per vintage.
MOST_COLUMNS: Final = 5_000
# Characters shown of an unknown header.
SHOWN_CHARACTERS = 120
# Other separators of columns than the comma.
SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}
# Files of a drop folder that are not data.
NO_DATA: Final = ("simulation.json", RECORD_NAME, "README*", "LICENSE*", "*.md")
# Files that programs leave next to data: markers, unfinished downloads, locks.
LEFTOVERS: Final = (
    "_SUCCESS",
    "_metadata",
    "_common_metadata",
    "_committed_*",
    "_started_*",
    "~$*",
    "*~",
    "*.crc",
    "*.crdownload",
    "*.download",
    # Unlike the `0.part` of Dask.
    "*[!0-9]*.part",
    "*.partial",
    "*.tmp",
)


@dataclass(frozen=True)
class _Kind:
    """One kind of file: its detection, its description, and its name in messages."""

    matches: Callable[[Sequence[str]], bool]
    describe: Callable[[Path], LandedFile]
    expected: str


KINDS: Final = (
    _Kind(
        lending_club.matches,
        lending_club.describe,
        "Lending Club loans (a header with loan_amnt, term, int_rate)",
    ),
    _Kind(
        rejections.matches,
        rejections.describe,
        "Lending Club rejected applications (Amount Requested, Application Date, ...)",
    ),
    _Kind(
        bank_prices.matches,
        bank_prices.describe,
        "daily bank prices (Date,Open,High,Low,Close,Adj Close,Volume or yfinance's three headers)",
    ),
    _Kind(
        fred.matches,
        fred.describe,
        "a FRED series (DATE,<id>, observation_date,<id>, date,value, or the API's JSON)",
    ),
)


def _files(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The files of a folder, sorted, and whether each is a system file or a leftover."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            is_system = any(map(is_system_name, path.relative_to(folder).parts))
            yield path, is_system or _matches(path, LEFTOVERS) or _is_empty(path)


def _matches(path: Path, patterns: Collection[str]) -> bool:
    return any(path.match(pattern) for pattern in patterns)


def _is_empty(path: Path) -> bool:
    """Whether a part of a table has no rows: nothing, or only a header."""
    if not is_part(path):
        return False
    try:
        return len([line for line in first_lines(path, 2) if line]) < 2
    except EmptyFile:
        return True
    except (PipelineError, OSError):
        # Detection reports the reason.
        return False


def candidates(folder: Path, ignore: Collection[str] = ()) -> list[Path]:
    """The files of a drop folder that should be data, sorted; system files are not.

    `ignore` contains further name patterns to leave out, such as `*.pdf`.
    """
    return [
        path
        for path, is_left_out in _files(folder)
        if not is_left_out and not _matches(path, (*NO_DATA, *ignore))
    ]


def irregular(folder: Path) -> dict[Path, str]:
    """The links, pipes and devices of a folder, each with the sentence that refuses it.

    A link may lead to any file of the machine, and a pipe never ends.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if is_system_name(path.name) or not (path.is_symlink() or path.exists()):
            continue
        if path.is_symlink():
            found[path] = f"{path} is a link; put the file itself into the drop folder."
        elif not path.is_file() and not path.is_dir():
            found[path] = f"{path} is a pipe, socket or device; only files are read."
    return found


def leftovers(folder: Path) -> str:
    """One sentence that names the system files and leftovers of a folder, or '' for none."""
    names = sorted({path.name for path, is_left_out in _files(folder) if is_left_out})
    shown = [name for name in names if not name.startswith(".") or name == ".DS_Store"]
    if not shown:
        return ""
    return f"ignored: {', '.join(shown)} (system files, leftovers or empty parts)"


def join_parts(files: Sequence[LandedFile]) -> list[LandedFile]:
    """Give the parts of a table the snapshot month, or the last day of rejections, of all rows."""
    latest: dict[tuple[str, Path], date] = {}
    for file in files:
        if (end := _end(file)) and is_part(file.path):
            table = file.dataset, table_of(file.path)
            latest[table] = max(latest.get(table, end), end)
    return [
        _ended(file, latest[file.dataset, table_of(file.path)])
        if _end(file) and is_part(file.path)
        else file
        for file in files
    ]


def _end(file: LandedFile) -> date | None:
    """Detect properties that depend on all parts of a table together; None for other files."""
    ends = {lending_club.DATASET: file.snapshot_date, rejections.DATASET: file.last_date}
    return ends.get(file.dataset)


def _ended(file: LandedFile, end: date) -> LandedFile:
    is_loans = file.dataset == lending_club.DATASET
    return replace(file, snapshot_date=end) if is_loans else replace(file, last_date=end)


def is_price_file(path: Path) -> bool:
    """Whether a file is one of daily bank prices, by its first lines; a damaged one is none."""
    try:
        return bank_prices.matches(first_lines(path, SEEN_LINES))
    except (PipelineError, OSError):
        return False


def detect(path: Path) -> LandedFile:
    """Detect one file; raises PipelineError with the known formats if it has none of them.

    Every error of a reader names the file, so that one file never stops the others.
    """
    try:
        return _detect(path)
    except (PipelineError, OSError):
        raise
    # A panic in Polars is not an Exception.
    except (Exception, pl.exceptions.PanicException) as error:
        reason = f"{type(error).__name__}: {error}"[:SHOWN_CHARACTERS].splitlines()[0]
        raise PipelineError(
            f"{path} cannot be read ({reason}); it is damaged, or no data file."
        ) from error


def _detect(path: Path) -> LandedFile:
    lines = first_lines(path, SEEN_LINES)
    if (columns := 1 + max((line.count(",") for line in lines), default=0)) > MOST_COLUMNS:
        raise PipelineError(
            f"{path} has {columns:,} columns, and at most {MOST_COLUMNS:,} are read; export fewer."
        )
    for kind in KINDS:
        if kind.matches(lines):
            return kind.describe(path)
    for separator, name in SEPARATORS.items():
        if any(kind.matches([line.replace(separator, ",") for line in lines]) for kind in KINDS):
            raise PipelineError(
                f"{path} separates its columns with {name}; save it with commas between them and"
                " points in its numbers."
            )
    if foreign := foreign_columns(lines):
        raise PipelineError(
            f"{path} has prices and columns that are not known ({', '.join(foreign)}); delete these"
            " columns, or rename them if they are Adj Close, Dividends or Stock Splits."
        )
    if has_no_adjusted_close(lines):
        raise PipelineError(
            f"{path} has prices without adjusted closes, so that dividends would count as losses;"
            " export them too, as Adj Close or as Dividends and Stock Splits."
        )
    if reason := price_header(lines):
        raise PipelineError(f"{path} {reason}.")
    header = next((line for line in lines if line.strip()), "")[:SHOWN_CHARACTERS]
    raise PipelineError(
        f"{path} starts with {header!r}, which is no known header; expected one of: "
        + "; ".join(kind.expected for kind in KINDS)
        + "."
    )


def detect_folder(folder: Path) -> list[LandedFile]:
    """Every data file of a drop folder, sorted by path; errors as `detect`."""
    return join_parts([detect(path) for path in candidates(folder)])
