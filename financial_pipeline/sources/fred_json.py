"""The JSON answers of the FRED API `series/observations`, read exactly or refused by name.

Output type 1 has one observation per value and real-time period; types 2 and 3 have one per date
with a field per vintage (`UNRATE_20191206`). Type 4 leaves out all later releases.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.fred_layout import DATED_COLUMN, EXPECTED, day, named_series
from financial_pipeline.sources.fred_records import RECORD_SCHEMA, FredLines
from financial_pipeline.sources.fred_releases import FIRST_DAY, LAST_DAY

JSON_FORM: Final = "alfred-json"
JSON_COPY_FORM: Final = "fred-json"
# An observation is a flat object: no braces inside.
JSON_OBJECT: Final = re.compile(r"\{[^{}]*\}")
JSON_FIELDS: Final = ("realtime_start", "realtime_end", "date", "value")
RELEASES, MATRIX_TYPES = 1, (2, 3)
WHOLE_RANGE: Final = (
    f"request realtime_start={FIRST_DAY}&realtime_end={LAST_DAY}&output_type=1&limit=100000"
)


def read_json(text: str, path: Path) -> FredLines:
    """Read an answer; `path` is the name under which it was dropped and names the series.

    Raises PipelineError for a damaged or transformed document, for a page of a longer answer, and
    for a real-time range that cuts periods.
    """
    document = _document(text, path)
    series_id, _ = named_series(path)
    kind = _count(document, "output_type", path, absent=RELEASES)
    start, end = document.get("realtime_start"), document.get("realtime_end")
    # An answer for a single day is a copy of that day; the start of a value is unknown.
    vintage = day(str(start)) if kind == RELEASES and start is not None and start == end else None
    _verify_range(document, kind, vintage, path)
    rows, seen = [], 0
    for line, physical_lines, found in _objects(text):
        seen += 1
        place = {"line_number": line, "original_text": found}
        parts = _records(json.loads(found), kind, vintage, series_id, path)
        for number, part in enumerate(parts):
            rows.append(part | place | {"physical_lines": 0 if number else physical_lines})
    if seen != len(document["observations"]):
        raise PipelineError(
            f"{path} contains observations of an unknown shape; expected {EXPECTED}."
        )
    records = pl.DataFrame(rows, RECORD_SCHEMA)
    total = text.count("\n") + (not text.endswith("\n"))
    envelope = total - int(records["physical_lines"].sum())
    return FredLines(records, {"envelope": envelope}, JSON_COPY_FORM if vintage else JSON_FORM)


def _document(text: str, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if re.search(r"\}\s*\n\s*\{", text):
            raise PipelineError(f"{path} is a table in JSON lines; export it as CSV.") from error
        raise PipelineError(
            f"{path} is a damaged JSON document ({error}); download it again."
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("observations"), list):
        raise PipelineError(f"{path} is a JSON document without observations; expected {EXPECTED}.")
    if document.get("units", "lin") != "lin":
        raise PipelineError(
            f"{path} contains a transformed series (units {document['units']}); download it with"
            " units=lin, because every change is computed here from levels."
        )
    return document


def _count(document: dict[str, Any], name: str, path: Path, absent: int = 0) -> int:
    value = document.get(name)
    try:
        return absent if value is None else int(value)
    except (ValueError, TypeError):
        raise PipelineError(
            f"{path} has {name} {value!r}, which is no number of the FRED API; download it again."
        ) from None


def _verify_range(document: dict[str, Any], kind: int, vintage: date | None, path: Path) -> None:
    """Raise PipelineError unless the answer contains all releases of all its observations."""
    total, found = _count(document, "count", path), len(document["observations"])
    # An answer that was put together from pages has more observations than its first page said.
    if total > found:
        first = _count(document, "offset", path) + 1
        raise PipelineError(
            f"{path} contains observations {first} to {first + found - 1} of {total}: it is one"
            f" page of an answer; {WHOLE_RANGE}, or join the pages into one document."
        )
    if kind not in (RELEASES, *MATRIX_TYPES):
        raise PipelineError(
            f"{path} contains initial releases only (output_type {kind}), so later values are"
            f" unknown; {WHOLE_RANGE}."
        )
    range_ = document.get("realtime_start"), document.get("realtime_end")
    if vintage is None and range_[0] is not None and range_ != (FIRST_DAY, LAST_DAY):
        raise PipelineError(
            f"{path} covers the real-time range {range_[0]} to {range_[1]}, which cuts the periods"
            f" of its values; {WHOLE_RANGE}."
        )


def _objects(text: str) -> Iterator[tuple[int, int, str]]:
    """First line, lines not counted before, and text of each observation."""
    counted, position, line = 0, 0, 1
    for found in JSON_OBJECT.finditer(text, text.index('"observations"')):
        line += text.count("\n", position, found.start())
        last_line = line + found.group().count("\n")
        yield line, last_line - max(counted, line - 1), found.group()
        counted, position, line = last_line, found.end(), last_line


def _records(
    observation: dict[str, Any], kind: int, vintage: date | None, series_id: str, path: Path
) -> list[dict[str, Any]]:
    """The records of one observation: one, or one per release of a matrix."""
    base = {"series_id": series_id, "vintage": vintage, "date": observation.get("date")}
    fields = set(observation) - set(JSON_FIELDS)
    if kind not in MATRIX_TYPES and not fields:
        row = {name: observation.get(name) for name in JSON_FIELDS}
        return [base | row | (dict.fromkeys(JSON_FIELDS[:2]) if vintage else {})]
    releases = []
    for name in sorted(fields):
        found = DATED_COLUMN.fullmatch(name)
        published = day(found["day"]) if found and found["series"] == series_id else None
        if published is None:
            raise PipelineError(
                f"{path} has the field {name}, which is no vintage of {series_id}; name the file"
                f" after its series, or {WHOLE_RANGE}."
            )
        releases.append((published, observation[name]))
    return [base | row for row in _matrix_periods(sorted(releases))] or [base]


def _matrix_periods(releases: list[tuple[date, Any]]) -> list[dict[str, Any]]:
    """One row per value: current from its first vintage to the day before another one."""
    changes = [
        release
        for place, release in enumerate(releases)
        if not place or release[1] != releases[place - 1][1]
    ]
    ends = [str(start - timedelta(days=1)) for start, _ in changes[1:]]
    return [
        {"realtime_start": str(start), "realtime_end": end, "value": value}
        for (start, value), end in zip(changes, [*ends, LAST_DAY], strict=True)
    ]
