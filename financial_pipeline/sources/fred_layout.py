"""The headers of FRED and ALFRED files: which series, and which vintage, each column contains.

A vintage date is the day on which the values were current; without one, only the release rules
determine what was known on a day.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.compression import plain_stem
from financial_pipeline.sources.physical_lines import split

DATE_NAMES: Final = ("observation_date", "date")
# The column name of a file that leaves its series to its name.
VALUE: Final = "value"
SERIES_ID: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
# ALFRED's download names its columns `GDPC1_20140130`; dated copies are named `GDPC1_2014-01-30`.
DATED_COLUMN: Final = re.compile(r"(?P<series>[A-Z][A-Z0-9_]*?)_(?P<day>\d{8})")
DATED_STEM: Final = re.compile(r"(?P<series>.+)_(?P<day>\d{4}-\d{2}-\d{2})")

EXPECTED: Final = (
    "FRED series: `DATE,UNRATE`, `observation_date,UNRATE` (several series columns too),"
    " `date,value` in a file named after its series (UNRATE.csv, or UNRATE_2026-01-04.csv for a"
    " dated copy), or the JSON answer of the FRED API (UNRATE.json)"
)


@dataclass(frozen=True)
class SeriesColumn:
    """One value column: its place, its series, and the vintage date where one is known."""

    column: int
    series_id: str
    vintage: date | None


@dataclass(frozen=True)
class FredLayout:
    """A CSV file's form, the physical line of its header, its width and its value columns."""

    form: str
    header_line: int
    width: int
    columns: tuple[SeriesColumn, ...]


def day(text: str) -> date | None:
    """The date of an ISO text, or None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def named_series(path: Path) -> tuple[str, date | None]:
    """Series id and vintage date of a file name, such as `UNRATE_2026-01-04.csv`.

    Raises PipelineError if the name is no series id.
    """
    stem, vintage = plain_stem(path), None
    if (dated := DATED_STEM.fullmatch(stem)) and (vintage := day(dated["day"])):
        stem = dated["series"]
    if not SERIES_ID.fullmatch(stem.upper()):
        raise PipelineError(
            f"{path} has no series id in its name; expected a FRED series id as its name, such as"
            " UNRATE.csv, or UNRATE_2026-01-04.csv for the copy of that day."
        )
    return stem.upper(), vintage


def _names(lines: Sequence[str]) -> tuple[int, list[str]]:
    """Physical line and cells of the first line with text; line 0 where there is none."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            return number, [cell.strip() for cell in split(line) or []]
    return 0, []


def is_json(lines: Sequence[str]) -> bool:
    """Whether the text starts like a JSON document."""
    return next((line for line in lines if line.strip()), "").lstrip().startswith("{")


def is_csv(lines: Sequence[str]) -> bool:
    """Whether the header is a date column followed by series columns."""
    _, names = _names(lines)
    if len(names) < 2 or names[0].lower() not in DATE_NAMES or len(set(names)) != len(names):
        return False
    series = names[1:]
    return series == [VALUE] or all(SERIES_ID.fullmatch(name) for name in series)


def csv_layout(lines: Sequence[str], path: Path) -> FredLayout:
    """The layout of a file for which `is_csv` is true.

    `path` is the name under which it was dropped. Raises PipelineError if it is needed and
    contains no series.
    """
    number, names = _names(lines)
    form = f"fred-{names[0].lower().replace('_', '-')}"
    if names[1].lower() == VALUE:
        column = SeriesColumn(1, *named_series(path))
        return FredLayout(f"{form}-value", number, len(names), (column,))
    dated = DATED_STEM.fullmatch(plain_stem(path))
    copied = day(dated["day"]) if dated else None
    columns = []
    for column_number, name in enumerate(names[1:], start=1):
        column = SeriesColumn(column_number, name, copied)
        if (found := DATED_COLUMN.fullmatch(name)) and (vintage := day(found["day"])):
            column = SeriesColumn(column_number, found["series"], vintage)
        columns.append(column)
    return FredLayout(form, number, len(names), tuple(columns))
