"""Lending Club's rejected applications: nine columns, detected from their header.

Upstream writes ISO dates. A spreadsheet in the United States turns them into `5/26/2007`; that is
read only where the file itself proves that the month comes first. Case and separators of names,
added columns and absent optional ones change nothing.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.lending_club import REJECTION_COLUMNS
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.compression import decompressed, first_lines
from financial_pipeline.sources.loan_layout import widen_header
from financial_pipeline.sources.loan_survey import snapshot_month
from financial_pipeline.sources.loan_text import employment_words
from financial_pipeline.sources.physical_lines import read_records, split

DATASET = "lending_club_rejections"
DATE_COLUMN = "Application Date"
SEPARATORS = re.compile(r"[\s._\-]+")
HEADER_MARKS = frozenset({"amountrequested", "applicationdate", "debttoincomeratio"})
# No other table has this many of the columns.
MANY_COLUMNS = 5
PREAMBLE_LINES = 20
# Lines below the header that show whether rows are wider than it.
SHAPE_LINES = 20
REQUIRED = ("Amount Requested", DATE_COLUMN)
# Prefix of the name of a column that is not one of upstream's; its position follows.
IGNORED = "ignored_"
# Columns of the old listing of issued loans, which also has amounts and dates of application.
ISSUED_MARKS = frozenset({"interestrate", "loanlength", "amountfundedbyinvestors", "status"})
# Midnight in any zone is a date alone.
MIDNIGHT = r"[T ](?:0?0:00(?::00(?:\.0+)?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?|12:00:00 AM)$"
NAMED_FORMS = ("%d-%b-%Y", "%d %b %Y", "%d%b%Y", "%b %d, %Y", "%B %d, %Y")
NAMED_DATE = r"[A-Za-z](?:.*\D)?\d{4}$"
EMPLOYMENT = "Employment Length"
NOTE_START = "Notes offered by Prospectus"
# A clock at midnight may follow, as data frames write it.
ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?")
SLASHED_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}")
MONTHS_IN_YEAR = 12
ISO, MONTH_FIRST = "rejections-iso", "rejections-month-first"


@dataclass(frozen=True)
class RejectionLayout:
    """The header of a rejections file and the physical line (from 1) of that header.

    `columns` has one name per field; `header_fields` are as the file writes them; `has_other_dates`
    is true if the first dates are not ISO.
    """

    columns: tuple[str, ...]
    header_line: int
    header_fields: tuple[str, ...]
    has_other_dates: bool = False

    def remarks(self) -> list[str]:
        """A phrase for ignored columns, and one for absent columns."""
        named = zip(self.header_fields, self.columns, strict=True)
        ignored = [repr(field) for field, name in named if name.startswith(IGNORED) and field]
        absent = [repr(name) for name in REJECTION_COLUMNS if name not in self.columns]
        phrases = (("ignored", ignored), ("absent and null", absent))
        return [f"{what}: {', '.join(names)}" for what, names in phrases if names]


def _plain(text: str) -> str:
    return SEPARATORS.sub("", text.strip().lower())


KNOWN = {_plain(name): name for name in REJECTION_COLUMNS}


def matches(lines: Sequence[str]) -> bool:
    """Whether these first lines contain the header of a rejections file, whatever its delimiter."""
    cut = ({_plain(field) for field in re.split(r'[,;\t|"]+', line)} for line in lines)
    return any(
        names >= HEADER_MARKS or len(names & KNOWN.keys()) >= MANY_COLUMNS or _is_listing(names)
        for names in cut
    )


def _is_listing(names: Collection[str]) -> bool:
    return _plain(REQUIRED[0]) in names and len(ISSUED_MARKS & {*names}) > 1


def column_names(fields: Sequence[str]) -> tuple[str, ...]:
    """Our names of the columns that a header names."""
    return tuple(KNOWN.get(_plain(field), f"{IGNORED}{at}") for at, field in enumerate(fields))


def find_layout(path: Path) -> RejectionLayout:
    """The header of a rejections file; raises PipelineError that lists the expected columns."""
    lines = first_lines(path, PREAMBLE_LINES + SHAPE_LINES)
    for number, line in enumerate(lines[:PREAMBLE_LINES], start=1):
        fields = tuple(field.strip() for field in split(line) or [])
        if len(KNOWN.keys() & {_plain(field) for field in fields}) >= len(REQUIRED):
            fields = tuple(widen_header([*fields], lines[number:]))
        columns = column_names(fields)
        if _is_listing({_plain(field) for field in fields}):
            raise PipelineError(
                f"{path} is an old listing of issued loans, not of rejected applications; use the"
                " LoanStats file of those loans."
            )
        names = [name for name in columns if not name.startswith(IGNORED)]
        if {*REQUIRED} <= {*names} and len({*names}) == len(names):
            at = columns.index(DATE_COLUMN)
            rows = [row for row in map(split, lines[number:]) if row and len(row) == len(columns)]
            other = any(not ISO_DATE.fullmatch(row[at].strip()) for row in rows if row[at].strip())
            return RejectionLayout(columns, number, fields, other)
    raise PipelineError(
        f"{path} looks like a Lending Club rejections file, but its header is not the known one;"
        f" expected, separated by commas: {', '.join(REJECTION_COLUMNS)}; at least"
        f" {' and '.join(REQUIRED)}, each once."
    )


def scan(plain: Path, layout: RejectionLayout) -> pl.LazyFrame:
    """Scan the lines below the header as text; `row` counts them from 0, blanks included.

    Absent columns are null.
    """
    rows = pl.scan_csv(
        plain,
        has_header=False,
        skip_lines=layout.header_line,
        schema=dict.fromkeys(layout.columns, pl.String()),
        quote_char='"',
        row_index_name="row",
        glob=False,
    )
    absent = [name for name in REJECTION_COLUMNS if name not in layout.columns]
    nulls = [pl.lit(None, dtype=pl.String).alias(name) for name in absent]
    years = employment_words(pl.col(EMPLOYMENT).str.to_lowercase())
    words = [years.alias(EMPLOYMENT), pl.col("State").str.to_uppercase()]
    if layout.has_other_dates:
        words.append(_upstream_date().alias(DATE_COLUMN))
    return rows.with_columns(nulls).with_columns(words).select("row", *REJECTION_COLUMNS)


def _upstream_date() -> pl.Expr:
    """Dates as upstream writes them: without a clock at midnight, and other forms in ISO order."""
    bare = pl.col(DATE_COLUMN).str.strip_chars().str.replace(MIDNIGHT, "")
    digits = pl.when(bare.str.contains(r"^\d{4}[-/]?\d{2}[-/]?\d{2}$")).then(
        bare.str.replace_all(r"[-/]", "")
    )
    # The parser would take `01-Jan-09` for the year 9.
    named = pl.when(bare.str.contains(NAMED_DATE)).then(bare)
    days = [digits.str.to_date("%Y%m%d", strict=False)]
    days += [named.str.to_date(form, strict=False) for form in NAMED_FORMS]
    return pl.coalesce(pl.coalesce(days).cast(pl.String), bare)


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
    iso = ISO_DATE.fullmatch(text)
    if iso is None and not SLASHED_DATE.fullmatch(text):
        return None
    bare, form = (iso.group(1), "%Y-%m-%d") if iso else (text, "%m/%d/%Y")
    try:
        return datetime.strptime(bare, form).date()
    except ValueError:
        return None


def _plausible_days(counts: Mapping[str, int]) -> list[date]:
    """The days of a file, sorted, without those after the last month that enough rows support."""
    days = {day: count for text, count in counts.items() if (day := _parse(text))}
    months: Counter[tuple[date | None, date | None]] = Counter()
    for day, count in days.items():
        months[day.replace(day=1), None] += count
    end = snapshot_month(months)
    return sorted(day for day in days if end and day.replace(day=1) <= end)


def describe(path: Path) -> LandedFile:
    """Detect a rejections file; raises PipelineError if no date can be determined."""
    layout = find_layout(path)
    with TemporaryDirectory() as work_dir, decompressed(path, Path(work_dir)) as plain:
        counts = _date_counts(plain, layout)
    slashed = [found for text in counts if (found := SLASHED_DATE.fullmatch(text))]
    month_first = bool(slashed) and _is_month_first(path, slashed)
    days = _plausible_days(counts)
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
        remarks=tuple(layout.remarks()),
    )
