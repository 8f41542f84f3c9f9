"""Detection of the files of a drop folder, by content and never by name."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources import bank_prices, fred, lending_club, rejections
from financial_pipeline.sources.compression import first_lines
from financial_pipeline.sources.fred_identity import price_header
from financial_pipeline.sources.provenance import RECORD_NAME

# Enough for the longest preamble before a header.
SEEN_LINES = 20
# Shown of a header that nobody knows.
SHOWN_CHARACTERS = 120
# Files of a drop folder that are not data.
NO_DATA: Final = ("simulation.json", RECORD_NAME, "README*", "LICENSE*", "*.md")


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


def candidates(folder: Path, ignore: Collection[str] = ()) -> list[Path]:
    """The files of a drop folder that should be data, sorted; hidden files are not.

    `ignore` contains further name patterns to leave out, such as `*.pdf`.
    """
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not any(path.match(pattern) for pattern in (*NO_DATA, *ignore))
    ]


def is_price_file(path: Path) -> bool:
    """Whether a file is one of daily bank prices, by its first lines."""
    return bank_prices.matches(first_lines(path, SEEN_LINES))


def detect(path: Path) -> LandedFile:
    """What one file is; raises PipelineError listing what was expected if it is nothing known."""
    lines = first_lines(path, SEEN_LINES)
    for kind in KINDS:
        if kind.matches(lines):
            return kind.describe(path)
    if reason := price_header(lines):
        raise PipelineError(f"{path} {reason}.")
    header = next((line for line in lines if line.strip()), "")[:SHOWN_CHARACTERS]
    raise PipelineError(
        f"{path} starts with {header!r}, which is no known header; expected one of: "
        + "; ".join(kind.expected for kind in KINDS)
        + "."
    )


def detect_folder(folder: Path, ignore: Collection[str] = ()) -> list[LandedFile]:
    """Every data file of a drop folder, sorted by path; errors as `detect`."""
    return [detect(path) for path in candidates(folder, ignore)]
