"""FRED and ALFRED files, as people download them and as the API answers, detected from content.

A file is read as text, one record per line and series (per observation in JSON); what the texts
mean is decided by `transforms/fred_observations.py`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.sources.compression import decompressed, first_lines
from financial_pipeline.sources.fred_layout import (
    EXPECTED,
    FredLayout,
    csv_layout,
    day,
    is_csv,
    is_json,
    named_series,
)
from financial_pipeline.sources.physical_lines import read_records

DATASET: Final = "fred_observations"
HEADER_SEARCH_LINES: Final = 10
JSON_FORM: Final = "alfred-json"
JSON_COPY_FORM: Final = "fred-json"
# An observation is a flat object: no braces inside.
JSON_OBJECT: Final = re.compile(r"\{[^{}]*\}")
JSON_FIELDS: Final = ("realtime_start", "realtime_end", "date", "value")

RECORD_SCHEMA: Final = {
    "line_number": pl.Int64(),
    # Lines that no earlier record of the file has counted, so that sums count each line once.
    "physical_lines": pl.Int64(),
    "original_text": pl.String(),
    # Why the line could not be cut into fields, else null.
    "problem": pl.String(),
    "series_id": pl.String(),
    # The day on which the value was current, where the file is a dated copy.
    "vintage": pl.Date(),
    "date": pl.String(),
    "value": pl.String(),
    # Inclusive real-time period, only in the API's answer over all vintages.
    "realtime_start": pl.String(),
    "realtime_end": pl.String(),
}


@dataclass(frozen=True)
class FredLines:
    """The text records of a file (RECORD_SCHEMA), its notes by kind, and its form."""

    records: pl.DataFrame
    notes: dict[str, int]
    form: str


def matches(lines: Sequence[str]) -> bool:
    """Whether a file that starts with these lines may be one of FRED's."""
    return is_json(lines) or is_csv(lines)


def read_lines(plain: Path, path: Path) -> FredLines:
    """Read an uncompressed file; `path` is the name under which it was dropped.

    Raises PipelineError for an unknown header, a damaged JSON document, and a name without a
    series where the content does not either.
    """
    lines = first_lines(plain, HEADER_SEARCH_LINES)
    if is_json(lines):
        return _read_json(plain.read_text("utf-8-sig", errors="replace"), path)
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
        elif record.text == header:
            notes["repeated_header"] += record.physical_lines
        else:
            row = {
                "line_number": record.line_number,
                "physical_lines": record.physical_lines,
                "original_text": record.text,
            }
            rows += _cells(row, record.fields, layout)
    return FredLines(pl.DataFrame(rows, RECORD_SCHEMA), notes, layout.form)


def _cells(
    row: dict[str, Any], fields: list[str] | None, layout: FredLayout
) -> list[dict[str, Any]]:
    """One row per series of a line.

    Where a file has several series, an empty field only pads a series of lower frequency.
    """
    if fields is None or len(fields) != layout.width:
        reason = "unreadable_quotes" if fields is None else "wrong_field_count"
        return [row | {"problem": reason}]
    row = row | {"date": fields[0]}
    parts = [
        row | {"series_id": item.series_id, "vintage": item.vintage, "value": fields[item.column]}
        for item in layout.columns
        if len(layout.columns) == 1 or fields[item.column].strip()
    ]
    if not parts:
        return [row | {"problem": "no_value"}]
    return parts[:1] + [part | {"physical_lines": 0} for part in parts[1:]]


def _document(text: str, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PipelineError(
            f"{path} is a damaged JSON document ({error}); download it again."
        ) from error
    if not isinstance(document.get("observations"), list):
        raise PipelineError(f"{path} is a JSON document without observations; expected {EXPECTED}.")
    if document.get("units", "lin") != "lin":
        raise PipelineError(
            f"{path} contains a transformed series (units {document['units']}); download it with"
            " units=lin, because every change is computed here from levels."
        )
    return document


def _read_json(text: str, path: Path) -> FredLines:
    document = _document(text, path)
    series_id, _ = named_series(path)
    start = document.get("realtime_start")
    # An answer for a single day is a copy of that day; the start of a value is unknown.
    is_copy = start is not None and start == document.get("realtime_end")
    vintage = day(str(start)) if is_copy else None
    rows, counted, position, line = [], 0, 0, 1
    for found in JSON_OBJECT.finditer(text, text.index('"observations"')):
        line += text.count("\n", position, found.start())
        last_line = line + found.group().count("\n")
        observation = json.loads(found.group())
        row = {name: observation.get(name) for name in JSON_FIELDS}
        if is_copy:
            row |= {"realtime_start": None, "realtime_end": None}
        row |= {"series_id": series_id, "vintage": vintage, "line_number": line}
        row |= {"physical_lines": last_line - max(counted, line - 1)}
        row |= {"original_text": found.group()}
        rows.append(row)
        counted, position, line = last_line, found.end(), last_line
    if len(rows) != len(document["observations"]):
        raise PipelineError(
            f"{path} contains observations of an unknown shape; expected {EXPECTED}."
        )
    total = text.count("\n") + (not text.endswith("\n"))
    records = pl.DataFrame(rows, RECORD_SCHEMA)
    envelope = total - int(records["physical_lines"].sum())
    return FredLines(records, {"envelope": envelope}, JSON_COPY_FORM if is_copy else JSON_FORM)


def observation_date(column: str = "date") -> pl.Expr:
    """The date that a text such as `2004-01-01` contains; null if it contains none."""
    return pl.col(column).str.strip_chars().str.to_date("%Y-%m-%d", strict=False)


def describe(path: Path) -> LandedFile:
    """Recognise one file; `subject` is its series id, or several joined with commas.

    `snapshot_date` is the vintage date of a dated copy. Raises PipelineError as `read_lines`, and
    for a file without a readable date.
    """
    with TemporaryDirectory() as folder, decompressed(path, Path(folder)) as plain:
        lines = read_lines(plain, path)
    days = lines.records.select(observation_date()).to_series().drop_nulls()
    if days.is_empty():
        raise PipelineError(
            f"{path} contains no observation with a readable date; expected dates like 2004-01-01."
        )
    series = lines.records["series_id"].drop_nulls().unique(maintain_order=True)
    vintage = lines.records["vintage"].max()
    return LandedFile(
        path=path,
        dataset=DATASET,
        form=lines.form,
        subject=",".join(series),
        snapshot_date=vintage,  # type: ignore[arg-type]
        first_date=days.min(),  # type: ignore[arg-type]
        last_date=days.max(),  # type: ignore[arg-type]
        rows_seen=lines.records["line_number"].n_unique(),
        provider="alfred" if vintage or "alfred" in lines.form else "fred",
    )
