"""The headers of FRED and ALFRED files: which series, and which vintage, each column contains.

A vintage date is the day on which the values were current; without one, only the release rules
determine what was known on a day. A file with real-time columns contains the period of each value.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.compression import plain_stem
from financial_pipeline.sources.day_text import with_date_name
from financial_pipeline.sources.physical_lines import is_unnamed, split

# The last one is ALFRED's.
DATE_NAMES: Final = ("observation_date", "date", "period_start_date")
START_NAMES: Final = ("realtime_start", "realtime_start_date")
END_NAMES: Final = ("realtime_end", "realtime_end_date")
SERIES_NAME: Final = "series_id"
# The column name of a file that leaves its series to its name.
VALUE: Final = "value"
SERIES_ID: Final = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
# ALFRED's download names its columns `GDPC1_20140130`; dated copies are named `GDPC1_2014-01-30`.
DATED_COLUMN: Final = re.compile(r"(?P<series>[A-Z][A-Z0-9_]*?)_(?P<day>\d{8})")
DATED_STEM: Final = re.compile(r"(?P<series>.+)_(?P<day>\d{4}[-_]?\d{2}[-_]?\d{2})")
# The first line of FRED's spreadsheets.
EXPORT_TITLE: Final = "FRED Graph Observations"
# Browsers number the downloads of one name: `UNRATE (1)`.
COPY_NUMBER: Final = re.compile(r" ?\(\d+\)$")

EXPECTED: Final = (
    "FRED series: `DATE,UNRATE`, `observation_date,UNRATE` (several series columns too),"
    " `date,value` in a file named after its series (UNRATE.csv, or UNRATE_2026-01-04.csv for a"
    " dated copy), ALFRED's `period_start_date,UNRATE,realtime_start_date,realtime_end_date`, or"
    " the JSON answer of the FRED API (UNRATE.json)"
)


@dataclass(frozen=True)
class SeriesColumn:
    """One value column: its place, its series, and the vintage date where one is known."""

    column: int
    series_id: str
    vintage: date | None


@dataclass(frozen=True)
class FredLayout:
    """A CSV file's form, the physical line of its header, its width and its columns.

    `periods` are the columns of the start and the end of each value's real-time period.
    """

    form: str
    header_line: int
    width: int
    date_column: int
    columns: tuple[SeriesColumn, ...]
    periods: tuple[int, int | None] | None
    # The column with the series of each line, as R's fredr writes it.
    series_column: int | None = None


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
    stem, vintage = dated_stem(plain_stem(path))
    if not SERIES_ID.fullmatch(stem.upper()):
        raise PipelineError(
            f"{path} has no series id in its name; expected a FRED series id as its name, such as"
            " UNRATE.csv, or UNRATE_2026-01-04.csv for the copy of that day."
        )
    return stem.upper(), vintage


def dated_stem(stem: str) -> tuple[str, date | None]:
    """The name of a dated copy and its day, or a name as it is; two dates are a range of days."""
    stem = COPY_NUMBER.sub("", stem)
    dated = DATED_STEM.fullmatch(stem)
    if dated is None or dated_stem(dated["series"])[1] is not None:
        return stem, None
    copied = day(dated["day"].replace("_", "-"))
    return (stem, None) if copied is None else (dated["series"], copied)


def header_cells(lines: Sequence[str]) -> tuple[int, list[str]]:
    """Physical line and cells of the header; line 0 if there is none.

    It is the first line with text, or one with a date column below the lines of an exported sheet.
    """
    filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
    rows = [[cell.strip() for cell in split(lines[number - 1]) or []] for number in filled]
    if not rows:
        return 0, []
    named = (n for n, row in enumerate(rows) if any(cell.lower() in DATE_NAMES for cell in row))
    at = next(named, 0) if rows[0][:1] == [EXPORT_TITLE] else 0
    return filled[at], with_date_name(rows[at], [*rows[at + 1 :], [""]][0], DATE_NAMES)


def is_json(lines: Sequence[str]) -> bool:
    """Whether the text starts like a JSON document."""
    return next((line for line in lines if line.strip()), "").lstrip().startswith("{")


def _place(lowered: Sequence[str], wanted: Sequence[str]) -> int | None:
    found = [number for number, name in enumerate(lowered) if name in wanted]
    return found[0] if len(found) == 1 else None


def value_columns(names: Sequence[str]) -> list[int]:
    """The places of the columns with a name that are no dates."""
    others = (*DATE_NAMES, *START_NAMES, *END_NAMES, SERIES_NAME)
    return [
        number
        for number, name in enumerate(names)
        if name.lower() not in others and not is_unnamed(name)
    ]


def is_csv(lines: Sequence[str]) -> bool:
    """Whether the header is a date column with series columns: of known ids or not."""
    # Row numbers and the comma at the end of a line have a column without a name.
    names = [name for name in header_cells(lines)[1] if not is_unnamed(name)]
    lowered = [name.lower() for name in names]
    place, values = _place(lowered, DATE_NAMES), [names[number] for number in value_columns(names)]
    if place is None or not values or len(set(names)) != len(names):
        return False
    if SERIES_NAME in lowered:
        return lowered.count(SERIES_NAME) == 1 and [name.lower() for name in values] == [VALUE]
    if _place(lowered, START_NAMES) is None:
        # Without real-time columns the date comes first, or last as the index of a data frame.
        if place not in (len(names) - len(values) - 1, len(names) - 1):
            return False
    elif len(values) != 1:
        return False
    return [name.lower() for name in values] == [VALUE] or all(
        SERIES_ID.fullmatch(name) for name in values
    )


def csv_layout(lines: Sequence[str], path: Path) -> FredLayout:
    """The layout of a file for which `is_csv` is true.

    `path` is the name under which it was dropped. Raises PipelineError if it is needed and
    contains no series.
    """
    number, names = header_cells(lines)
    lowered = [name.lower() for name in names]
    place, start = _place(lowered, DATE_NAMES) or 0, _place(lowered, START_NAMES)
    periods = None if start is None else (start, _place(lowered, END_NAMES))
    form = f"fred-{lowered[place].replace('_', '-')}" if start is None else "alfred-csv"
    values = value_columns(names)
    if SERIES_NAME in lowered:
        column, by_line = SeriesColumn(values[0], "", None), lowered.index(SERIES_NAME)
        return FredLayout(f"{form}-long", number, len(names), place, (column,), periods, by_line)
    if names[values[0]].lower() == VALUE:
        column = SeriesColumn(values[0], *named_series(path))
        return FredLayout(f"{form}-value", number, len(names), place, (column,), periods)
    columns = tuple(_series_column(place, names[place], path) for place in values)
    return FredLayout(form, number, len(names), place, columns, periods)


def _series_column(place: int, name: str, path: Path) -> SeriesColumn:
    if (found := DATED_COLUMN.fullmatch(name)) and (vintage := day(found["day"])):
        return SeriesColumn(place, found["series"], vintage)
    return SeriesColumn(place, name, dated_stem(plain_stem(path))[1])
