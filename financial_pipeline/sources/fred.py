"""FRED and ALFRED files, as people download them and as the API answers, detected from content.

A file is read as text, one record per line and series (per observation in JSON);
`transforms/fred_observations.py` interprets the texts.
"""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.compression import decompressed, first_lines
from financial_pipeline.sources.day_text import in_iso_form
from financial_pipeline.sources.fred_identity import verify_series
from financial_pipeline.sources.fred_json import read_json
from financial_pipeline.sources.fred_layout import (
    EXPECTED,
    FredLayout,
    csv_layout,
    day,
    is_csv,
    is_json,
)
from financial_pipeline.sources.fred_records import RECORD_SCHEMA, FredLines
from financial_pipeline.sources.fred_releases import LAST_DAY
from financial_pipeline.sources.physical_lines import main_problem, read_records

DATASET: Final = "fred_observations"
HEADER_SEARCH_LINES: Final = 20
MONTHS_A_YEAR: Final = 12
LONGEST_MONTH: Final = 31
LONGEST_QUARTER: Final = 92
MIDNIGHT: Final = r"[ T]00:00(:00(\.0+)?)?Z?$"
MONTH_ALONE: Final = r"^\d{4}-\d{2}$"
OPEN_ENDS: Final = ("", ".", "nan", "nat", "na", "null", "none", "n/a", "#n/a", "<na>")
XML_STARTS: Final = ("<?xml", "<observations")


def is_xml(lines: Sequence[str]) -> bool:
    """Whether the text starts like the XML answer of the FRED API."""
    return next((line for line in lines if line.strip()), "").lstrip().startswith(XML_STARTS)


def matches(lines: Sequence[str]) -> bool:
    """Whether a file that starts with these lines may be one of FRED's."""
    return is_json(lines) or is_csv(lines) or is_xml(lines)


def read_lines(plain: Path, path: Path) -> FredLines:
    """Read an uncompressed file; `path` is the name under which it was dropped.

    Raises PipelineError for an unknown header, a damaged JSON document, a form of the API that
    leaves out releases, and a name without a series where the content does not either.
    """
    lines = first_lines(plain, HEADER_SEARCH_LINES)
    if is_json(lines):
        return read_json(plain.read_text("utf-8-sig", errors="replace"), path)
    if is_xml(lines):
        raise PipelineError(
            f"{path} is an XML document; request the answer of the FRED API with file_type=json."
        )
    if not is_csv(lines):
        raise PipelineError(f"{path} has an unknown header; expected {EXPECTED}.")
    return _read_csv(plain, csv_layout(lines, path))


def _read_csv(plain: Path, layout: FredLayout) -> FredLines:
    rows: list[dict[str, Any]] = []
    notes = {"header": 0, "repeated_header": 0, "blank": 0}
    header = None
    for record in read_records(plain, layout.width, 0):
        if record.line_number == layout.header_line:
            notes["header"] += record.physical_lines
            header = record.text
        elif not record.text.strip():
            notes["blank"] += record.physical_lines
        elif record.line_number < layout.header_line:
            notes["note"] = notes.get("note", 0) + record.physical_lines
        elif record.text == header:
            notes["repeated_header"] += record.physical_lines
        else:
            row = {
                "line_number": record.line_number,
                "physical_lines": record.physical_lines,
                "original_text": record.text,
            }
            rows += _cells(row, record.fields, layout)
    records = pl.DataFrame(rows, RECORD_SCHEMA)
    records = records.with_columns(in_iso_form(records["date"]))
    return FredLines(_single_day_as_copy(records), notes, layout.form)


def _period(fields: Sequence[str], layout: FredLayout) -> dict[str, str]:
    """The real-time period of a line; ALFRED writes a full stop for an end that is still open.

    Midnight (` 00:00:00`, as pandas saves fredapi's releases) adds nothing to a day.
    """
    if layout.periods is None:
        return {}
    start, end = (None if place is None else _day_of(fields[place]) for place in layout.periods)
    ends = end or ""
    is_open = ends.lower() in OPEN_ENDS
    return {"realtime_start": start or "", "realtime_end": LAST_DAY if is_open else ends}


def _day_of(text: str) -> str:
    return re.sub(MIDNIGHT, "", text.strip())


def _single_day_as_copy(records: pl.DataFrame) -> pl.DataFrame:
    """Make a dated copy of records that are all of one real-time day: their start is unknown."""
    periods = records.select("realtime_start", "realtime_end").drop_nulls().unique()
    if periods.height != 1 or periods.row(0)[0] != periods.row(0)[1]:
        return records
    return records.with_columns(
        vintage=pl.lit(day(periods.row(0)[0]), pl.Date()),
        realtime_start=pl.lit(None, pl.String()),
        realtime_end=pl.lit(None, pl.String()),
    )


def _cells(
    row: dict[str, Any], fields: list[str] | None, layout: FredLayout
) -> list[dict[str, Any]]:
    """One row per series of a line.

    Where a file has several series, an empty field only pads a series of lower frequency, and a
    line without any value is one missing value of the first series, such as that of a holiday.
    """
    if fields is None or len(fields) != layout.width:
        reason = "unreadable_quotes" if fields is None else "wrong_field_count"
        return [row | {"problem": reason}]
    row = row | {"date": fields[layout.date_column]} | _period(fields, layout)
    valued = [item for item in layout.columns if fields[item.column].strip()]
    place = layout.series_column
    if place is not None and not fields[place].strip():
        return [row | {"problem": "no_series"}]
    parts = [
        row
        | {
            "series_id": item.series_id if place is None else fields[place].strip(),
            "vintage": item.vintage,
            "value": fields[item.column],
        }
        for item in valued or layout.columns[:1]
    ]
    return parts[:1] + [part | {"physical_lines": 0} for part in parts[1:]]


def observation_date() -> pl.Expr:
    """The date that a text of the column `date` such as `2004-01-01` contains, or null.

    A month alone (`2004-01`) is its first day, and midnight (` 00:00:00`) adds nothing.
    """
    day = pl.col("date").str.strip_chars().str.replace(MIDNIGHT, "")
    whole = pl.when(day.str.contains(MONTH_ALONE)).then(day + "-01").otherwise(day)
    return whole.str.to_date("%Y-%m-%d", strict=False)


def describe(path: Path) -> LandedFile:
    """Recognise one file; `subject` is its series id, or several joined with commas.

    `snapshot_date` is the vintage date of a dated copy. Raises PipelineError as `read_lines`, and
    for a file without a readable date.
    """
    with TemporaryDirectory() as folder, decompressed(path, Path(folder)) as plain:
        lines = read_lines(plain, path)
    days = lines.records.select(observation_date()).to_series().drop_nulls()
    if days.is_empty():
        reason = main_problem(lines.records) or "expected dates like 2004-01-01"
        raise PipelineError(f"{path} contains no observation with a readable date; {reason}.")
    series = lines.records["series_id"].drop_nulls().unique(maintain_order=True).to_list()
    verify_series(path, series)
    vintage = lines.records["vintage"].max()
    return LandedFile(
        path=path,
        dataset=DATASET,
        form=lines.form,
        subject=",".join(series),
        snapshot_date=vintage,  # type: ignore[arg-type]
        first_date=_first_period(days),
        last_date=days.max(),  # type: ignore[arg-type]
        rows_seen=lines.records["line_number"].n_unique(),
        provider="alfred" if vintage or "alfred" in lines.form else "fred",
    )


def _first_period(days: pl.Series) -> date:
    """The first day that an observation may have once dates are those of periods.

    A date within a quarter, such as its last day or the first one of its last month, may be that
    of the whole quarter, half-year or year.
    """
    unique = days.unique().sort()
    first, last, gaps = unique[0], unique[-1], unique.diff().dt.total_days().drop_nulls()
    is_monthly = bool((gaps <= LONGEST_MONTH).any())
    if first.day == 1 and is_monthly:
        return first
    is_yearly = first.month == MONTHS_A_YEAR and unique.len() <= last.year - first.year + 1
    width = 6 if gaps.len() and (gaps > LONGEST_QUARTER).all() else 3
    month = 1 if is_yearly else (first.month - 1) // width * width + 1
    return date(first.year, month, 1)
