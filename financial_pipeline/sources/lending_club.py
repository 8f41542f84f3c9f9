"""Lending Club loan files: described by their header and dates, and scanned.

Three upstream layouts share the same column names: the 151-column accepted file, the 145-column
`loan.csv`, and the original site's `LoanStats` files with a note line, a section line and
footers. Older and user-made copies are read by `loan_layout`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.compression import decompressed
from financial_pipeline.sources.loan_layout import LoanLayout, find_layout, matches
from financial_pipeline.sources.loan_survey import SURVEYED_COLUMNS, refuse_undated, survey_loans
from financial_pipeline.sources.physical_lines import read_records

__all__ = ["DATASET", "WITHOUT_IDS", "describe", "footer_total", "matches", "note_kind", "scan"]

DATASET = "lending_club_loans"
WITHOUT_IDS = "-without-ids"
NOTE_KINDS = {
    "Notes offered by Prospectus": "note",
    "Loans that do not meet the credit policy": "section",
    "Total amount funded in policy code": "footer",
}
FOOTER_TOTAL = re.compile(r"Total amount funded in policy code \d+: *([\d.,]+)")


def scan(plain: Path, layout: LoanLayout, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """Scan the lines below the header of a plain file; `row` counts them from 0, blanks included.

    Collecting raises polars.exceptions.ComputeError where a field does not fit its type, a line
    has too many fields, or quotes do not close.
    """
    return pl.scan_csv(
        plain,
        has_header=False,
        skip_lines=layout.header_line,
        schema={column: schema.get(column, pl.String()) for column in layout.columns},
        quote_char='"',
        # A quoted empty field is as empty as a bare one.
        null_values=[""],
        row_index_name="row",
        glob=False,
    ).select("row", *layout.known)


def note_kind(fields: Sequence[str], header: Sequence[str]) -> str | None:
    """The kind of note that a record is, or None for what must be a loan."""
    if [field.strip() for field in fields] == list(header):
        return "repeated_header"
    filled = [field for field in fields if field.strip()]
    if not filled:
        return "blank" if len(fields) <= 1 else None
    # Data frames write row numbers before it.
    is_alone = len(filled) == 1 or (len(filled) == 2 and filled[0].strip().isdigit())
    found = (kind for mark, kind in NOTE_KINDS.items() if filled[-1].startswith(mark))
    return next(found, None) if is_alone else None


def footer_total(text: str) -> float | None:
    """The dollars that a footer line claims were funded, or None for another line."""
    found = FOOTER_TOTAL.search(text)
    return float(found.group(1).rstrip(",").replace(",", "")) if found else None


def describe(path: Path) -> LandedFile:
    """Detect a loan file; its snapshot month is the last one that enough loans support.

    Raises PipelineError for a header without the required columns, a file without usable dates, and
    a snapshot month before the issue of many loans.
    """
    layout = find_layout(path)
    with TemporaryDirectory() as work_dir, decompressed(path, Path(work_dir)) as plain:
        survey = survey_loans(_wanted(plain, layout))
    refuse_undated(path, survey)
    name = "accepted" if len(layout.known) == len(LOAN_COLUMNS) else "loan"
    name = "loanstats" if layout.header_line > 1 else name
    return LandedFile(
        path=path,
        dataset=DATASET,
        form=f"{name}-{len(layout.known)}" + ("" if survey.has_ids else WITHOUT_IDS),
        subject=None,
        snapshot_date=survey.snapshot_month,
        first_date=survey.issue_months[0],
        last_date=survey.issue_months[-1],
        rows_seen=survey.rows,
        provider="lending_club",
        remarks=(*layout.remarks(), *survey.unknown_codes),
    )


def _wanted(plain: Path, layout: LoanLayout) -> pl.DataFrame:
    """The columns that date and identify loans, as text; whole records only of a broken file."""
    wanted = [name for name in SURVEYED_COLUMNS if name in layout.columns]
    text = dict.fromkeys(layout.columns, pl.String())
    try:
        return scan(plain, layout, text).select(wanted).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        positions = [layout.columns.index(column) for column in wanted]
        records = read_records(plain, len(layout.columns), layout.header_line)
        rows = [
            [record.fields[position] or None for position in positions]
            for record in records
            if record.fields and len(record.fields) == len(layout.columns)
        ]
        return pl.DataFrame(rows, schema=dict.fromkeys(wanted, pl.String()), orient="row")
