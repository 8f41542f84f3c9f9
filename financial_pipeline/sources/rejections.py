"""Lending Club's rejected applications: nine columns, detected from their header.

Upstream writes ISO dates. A spreadsheet in the United States turns them into `5/26/2007`; that is
read only where the file itself proves that the month comes first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.compression import decompressed, first_lines
from financial_pipeline.sources.physical_lines import read_records, split

DATASET = "lending_club_rejections"
DATE_COLUMN = "Application Date"
HEADER_MARKS = frozenset({"Amount Requested", DATE_COLUMN, "Debt-To-Income Ratio"})
PREAMBLE_LINES = 20
NOTE_START = "Notes offered by Prospectus"
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
SLASHED_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}")
MONTHS_IN_YEAR = 12
ISO, MONTH_FIRST = "rejections-iso", "rejections-month-first"


@dataclass(frozen=True)
class RejectionLayout:
    """The header of a rejections file and the physical line (from 1) of that header."""

    columns: tuple[str, ...]
    header_line: int


def matches(lines: Sequence[str]) -> bool:
    """Whether these first lines contain the header of a rejections file, whatever its delimiter."""
    return any(all(mark in line for mark in HEADER_MARKS) for line in lines)


def find_layout(path: Path) -> RejectionLayout:
    """The header of a rejections file; raises PipelineError that lists the expected columns."""
    for number, line in enumerate(first_lines(path, PREAMBLE_LINES), start=1):
        fields = [field.strip() for field in split(line) or []]
        if sorted(fields) == sorted(REJECTION_COLUMNS):
            return RejectionLayout(tuple(fields), number)
    raise PipelineError(
        f"{path} looks like a Lending Club rejections file, but its header is not the known one;"
        f" expected, separated by commas: {', '.join(REJECTION_COLUMNS)}."
    )


def scan(plain: Path, layout: RejectionLayout) -> pl.LazyFrame:
    """Scan the lines below the header as text; `row` counts them from 0, blanks included."""
    return pl.scan_csv(
        plain,
        has_header=False,
        skip_lines=layout.header_line,
        schema=dict.fromkeys(layout.columns, pl.String()),
        quote_char='"',
        row_index_name="row",
        glob=False,
    )


def note_kind(fields: Sequence[str], header: Sequence[str]) -> str | None:
    """The kind of note that a record is, or None for what must be an application."""
    if [field.strip() for field in fields] == list(header):
        return "repeated_header"
    filled = [field for field in fields if field.strip()]
    if not filled:
        return "blank" if len(fields) <= 1 else None
    return "note" if len(filled) == 1 and filled[0].startswith(NOTE_START) else None


def _date_counts(plain: Path, layout: RejectionLayout) -> Mapping[str, int]:
    try:
        dates = scan(plain, layout).select(DATE_COLUMN).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        at = layout.columns.index(DATE_COLUMN)
        records = read_records(plain, len(layout.columns), layout.header_line)
        texts = [r.fields[at] for r in records if r.fields and len(r.fields) > at]
        dates = pl.DataFrame({DATE_COLUMN: texts}, schema={DATE_COLUMN: pl.String})
    filled = dates.filter(pl.col(DATE_COLUMN).str.strip_chars() != "")
    return dict(filled[DATE_COLUMN].str.strip_chars().value_counts().iter_rows())


def _is_month_first(path: Path, slashed: Sequence[re.Match[str]]) -> bool:
    first_numbers = [int(found.group(1)) for found in slashed]
    second_numbers = [int(found.group(2)) for found in slashed]
    if max(first_numbers) <= MONTHS_IN_YEAR < max(second_numbers):
        return True
    raise PipelineError(
        f"{path} has application dates like {slashed[0].group(0)} from a spreadsheet, and nothing"
        " in the file proves that the month comes first; use the original file with dates like"
        " 2007-05-26."
    )


def _parse(text: str) -> date | None:
    for pattern, form in ((ISO_DATE, "%Y-%m-%d"), (SLASHED_DATE, "%m/%d/%Y")):
        if pattern.fullmatch(text):
            try:
                return datetime.strptime(text, form).date()
            except ValueError:
                return None
    return None


def describe(path: Path) -> LandedFile:
    """What a rejections file is; raises PipelineError if no date can be determined."""
    layout = find_layout(path)
    with TemporaryDirectory() as work_dir, decompressed(path, Path(work_dir)) as plain:
        counts = _date_counts(plain, layout)
    slashed = [found for text in counts if (found := SLASHED_DATE.fullmatch(text))]
    month_first = bool(slashed) and _is_month_first(path, slashed)
    days = sorted(day for text in counts if (day := _parse(text)))
    if not days:
        raise PipelineError(
            f"{path} has no readable application date (found {sorted(counts)[:3]}); expected dates"
            " like 2007-05-26."
        )
    return LandedFile(
        path=path,
        dataset=DATASET,
        form=MONTH_FIRST if month_first else ISO,
        subject=None,
        snapshot_date=None,
        first_date=days[0],
        last_date=days[-1],
        rows_seen=sum(counts.values()),
        provider="lending_club",
    )
