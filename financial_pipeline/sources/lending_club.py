"""Lending Club loan files: detected from their header, surveyed for dates, and scanned.

Three upstream layouts share the same column names: the 151-column accepted file, the 145-column
`loan.csv`, and the original site's `LoanStats` files with a note line, a section line and
footers. Any subset of the columns that contains `CORE_COLUMNS` is read, with or without a column of
row numbers before it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS, UPSTREAM_MONTHS
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.compression import decompressed, first_lines
from financial_pipeline.sources.physical_lines import read_records, split

DATASET = "lending_club_loans"
HEADER_MARKS = frozenset({"loan_amnt", "term", "int_rate"})
# The header is looked for in this many lines.
PREAMBLE_LINES = 20
CORE_COLUMNS = frozenset(
    """
    loan_amnt funded_amnt term int_rate installment grade sub_grade emp_length home_ownership
    annual_inc issue_d loan_status purpose zip_code addr_state dti delinq_2yrs earliest_cr_line
    inq_last_6mths open_acc pub_rec revol_bal revol_util total_acc out_prncp total_pymnt
    total_rec_prncp total_rec_int total_rec_late_fee recoveries collection_recovery_fee
    last_pymnt_d last_credit_pull_d
    """.split()
)
WITHOUT_IDS = "-without-ids"
# What a data frame's writer puts first: a header without a name over its row numbers.
ROW_NUMBERS = "row_number"
NOTE_KINDS = {
    "Notes offered by Prospectus": "note",
    "Loans that do not meet the credit policy": "section",
    "Total amount funded in policy code": "footer",
}
FOOTER_TOTAL = re.compile(r"Total amount funded in policy code \d+: *([\d.,]+)")


@dataclass(frozen=True)
class LoanLayout:
    """The header of a loan file and the physical line (from 1) of that header."""

    columns: tuple[str, ...]
    header_line: int
    header_text: str


@dataclass(frozen=True)
class _Survey:
    rows: int
    has_ids: bool
    issue_months: list[date]
    # Months of the last payment and of the last credit pull.
    activity_months: list[date]
    issue_texts: list[str]


def _header_fields(line: str) -> list[str]:
    return [field.strip() for field in split(line) or []]


def matches(lines: Sequence[str]) -> bool:
    """Whether these first lines contain the header of a loan file, whatever its delimiter."""
    return any(set(re.split(r'[,;\t|"\s]+', line)) >= HEADER_MARKS for line in lines)


def find_layout(path: Path) -> LoanLayout:
    """The header of a loan file; raises PipelineError naming what is unknown or missing."""
    lines = first_lines(path, PREAMBLE_LINES)
    for number, line in enumerate(lines, start=1):
        fields = _header_fields(line)
        if set(fields) >= HEADER_MARKS:
            has_row_numbers = fields[0] in ("", "Unnamed: 0")
            _refuse_unknown(path, fields[1:] if has_row_numbers else fields)
            columns = (ROW_NUMBERS, *fields[1:]) if has_row_numbers else tuple(fields)
            return LoanLayout(columns, number, line)
    raise PipelineError(
        f"{path} looks like a Lending Club loan file, but its header is not comma-separated;"
        " save it as CSV with commas and double quotes."
    )


def _refuse_unknown(path: Path, fields: Sequence[str]) -> None:
    unknown = sorted(set(fields) - set(LOAN_COLUMNS))
    missing = sorted(CORE_COLUMNS - set(fields))
    repeated = sorted({field for field in fields if fields.count(field) > 1})
    faults = [
        f"{what}: {', '.join(repr(name) for name in names)}"
        for what, names in (("unknown", unknown), ("missing", missing), ("repeated", repeated))
        if names
    ]
    if faults:
        raise PipelineError(
            f"{path} has a header that is no known Lending Club loan layout ({'; '.join(faults)});"
            f" expected only names of the {len(LOAN_COLUMNS)}-column accepted file, each once, with"
            f" at least {', '.join(sorted(CORE_COLUMNS))}."
        )


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
    )


def note_kind(fields: Sequence[str], header: Sequence[str]) -> str | None:
    """The kind of note that a record is, or None for what must be a loan."""
    if [field.strip() for field in fields] == list(header):
        return "repeated_header"
    filled = [field for field in fields if field.strip()]
    if not filled:
        return "blank" if len(fields) <= 1 else None
    if len(filled) > 1:
        return None
    return next((kind for mark, kind in NOTE_KINDS.items() if filled[0].startswith(mark)), None)


def footer_total(text: str) -> float | None:
    """The dollars that a footer line claims were funded, or None for another line."""
    found = FOOTER_TOTAL.search(text)
    return float(found.group(1).rstrip(",").replace(",", "")) if found else None


def _survey(plain: Path, layout: LoanLayout) -> _Survey:
    wanted = ["loan_amnt", "issue_d", "last_pymnt_d", "last_credit_pull_d"]
    wanted += ["id"] if "id" in layout.columns else []
    text = dict.fromkeys(layout.columns, pl.String())
    try:
        frame = scan(plain, layout, text).select(wanted).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        positions = [layout.columns.index(column) for column in wanted]
        records = read_records(plain, len(layout.columns), layout.header_line)
        rows = [
            [record.fields[position] or None for position in positions]
            for record in records
            if record.fields and len(record.fields) == len(layout.columns)
        ]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(wanted, pl.String()), orient="row")
    loans = frame.filter(pl.col("loan_amnt").is_not_null() & pl.col("issue_d").is_not_null())
    issued = loans["issue_d"].unique().to_list()
    active = {*loans["last_pymnt_d"].unique(), *loans["last_credit_pull_d"].unique()}
    return _Survey(
        rows=loans.height,
        has_ids="id" in loans.columns and loans["id"].null_count() < loans.height,
        issue_months=sorted(UPSTREAM_MONTHS[text] for text in issued if text in UPSTREAM_MONTHS),
        activity_months=sorted(UPSTREAM_MONTHS[text] for text in active if text in UPSTREAM_MONTHS),
        issue_texts=sorted(text for text in issued if text not in UPSTREAM_MONTHS),
    )


def _refuse_undated(path: Path, survey: _Survey) -> None:
    if not survey.rows:
        raise PipelineError(f"{path} has the header of a loan file but no loans; export it again.")
    if not survey.issue_months:
        raise PipelineError(
            f"{path} has no issue date of the form Dec-2015 (found {survey.issue_texts[:3]}); a"
            " spreadsheet changed them and the year is unknown: use the original file."
        )
    if not survey.activity_months:
        raise PipelineError(
            f"{path} has no last_pymnt_d or last_credit_pull_d of the form Dec-2015, so its"
            " snapshot month is unknown; use the original file."
        )
    first_impossible = survey.issue_months[-1]
    if survey.activity_months[-1] < first_impossible:
        raise PipelineError(
            f"{path} ends its payments and credit pulls in {survey.activity_months[-1]:%Y-%m} but"
            f" contains loans issued in {first_impossible:%Y-%m}; not all dates can be right: use"
            " the original file."
        )


def describe(path: Path) -> LandedFile:
    """What a loan file is; its snapshot month is the last month of payment or credit pull.

    Raises PipelineError for an unknown header, a file without usable dates, and a snapshot month
    before an issue month.
    """
    layout = find_layout(path)
    with TemporaryDirectory() as work_dir, decompressed(path, Path(work_dir)) as plain:
        survey = _survey(plain, layout)
    _refuse_undated(path, survey)
    size = len(set(layout.columns) - {ROW_NUMBERS})
    name = "accepted" if size == len(LOAN_COLUMNS) else "loan"
    name = "loanstats" if layout.header_line > 1 else name
    return LandedFile(
        path=path,
        dataset=DATASET,
        form=f"{name}-{size}" + ("" if survey.has_ids else WITHOUT_IDS),
        subject=None,
        snapshot_date=survey.activity_months[-1],
        first_date=survey.issue_months[0],
        last_date=survey.issue_months[-1],
        rows_seen=survey.rows,
        provider="lending_club",
    )
