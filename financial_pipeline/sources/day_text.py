"""Days in the forms that spreadsheets and web pages write, read as ISO dates.

A column has one form: where any of its texts is an ISO date, another form is a typing error. In
dates such as 1/2/2018 the column must prove whether the month or the day comes first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

import polars as pl

from financial_pipeline.sources.physical_lines import is_unnamed

ISO: Final = re.compile(r"\d{4}-\d{2}(-\d{2}|$)")
# Midnight, or the close of the exchange, which adds nothing to a day.
CLOCK: Final = r"(?:[ T](?:0?0|16):00(?::00(?:\.0+)?)?| 12:00:00 AM| 4:00:00 PM)?"
YEAR_FIRST: Final = re.compile(rf"((?:1[6-9]|20)\d\d)([/.]?)(\d{{1,2}})\2(\d{{1,2}}){CLOCK}")
YEAR_LAST: Final = re.compile(rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2((?:1[6-9]|20)\d\d){CLOCK}")
NAMED: Final = re.compile(r"(?:\d{1,2}[- ]?[A-Za-z]{3,9}[- ]?|[A-Za-z]{3,9}\.? \d{1,2},? )\d{4}")
NAMED_FORMS: Final = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y")
# Compact dates have eight digits.
COMPACT: Final = 8
MONTHS_IN_YEAR: Final = 12
# With this many different days of which one number is always 1, the days are the first of each
# month: no January has as many sessions up to the twelfth.
MANY_FIRST_DAYS: Final = 13


def in_iso_form(texts: pl.Series) -> pl.Series:
    """The texts of a column with days of one other form as ISO dates; all others as they are."""
    found = {text: text.strip() for text in texts.drop_nulls().unique() if text.strip()}
    if not found or any(map(ISO.match, found.values())):
        return texts
    days = _days(found)
    return texts.replace({text: day.isoformat() for text, day in days.items()}) if days else texts


def _days(found: Mapping[str, str]) -> dict[str, date]:
    """The day of each text of a column that has one."""
    pairs = [pair for text in found.values() if (pair := YEAR_LAST.fullmatch(text))]
    place = _month_place([(int(pair[1]), int(pair[3])) for pair in pairs])
    days = {text: _day(bare, place) for text, bare in found.items()}
    return {text: day for text, day in days.items() if day is not None}


def _day(text: str, month_place: int | None) -> date | None:
    if (parts := YEAR_FIRST.fullmatch(text)) and (parts[2] or len(text) == COMPACT):
        return _date(int(parts[1]), int(parts[3]), int(parts[4]))
    if (parts := YEAR_LAST.fullmatch(text)) and month_place:
        numbers = int(parts[1]), int(parts[3])
        return _date(int(parts[4]), numbers[month_place - 1], numbers[2 - month_place])
    return _named_day(text) if NAMED.fullmatch(text) else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _named_day(text: str) -> date | None:
    words = " ".join(re.findall(r"\d+|[A-Za-z]+", text))
    for form in NAMED_FORMS:
        try:
            return datetime.strptime(words, form).date()
        except ValueError:
            continue
    return None


def _month_place(pairs: Sequence[tuple[int, int]]) -> int | None:
    """Find which number of dates like 1/2/2018 is the month, 1 or 2; None without proof."""
    numbers: list[set[int]] = [{pair[at] for pair in pairs} for at in (0, 1)]
    is_day = [max(each, default=0) > MONTHS_IN_YEAR for each in numbers]
    if any(is_day):
        return None if all(is_day) else 1 + is_day.index(False)
    is_first = [each == {1} for each in numbers]
    if len(pairs) < MANY_FIRST_DAYS or all(is_first) or not any(is_first):
        return None
    return 1 + is_first.index(False)


def with_date_name(cells: Sequence[str], below: Iterable[str], names: Sequence[str]) -> list[str]:
    """A header whose first column has no name as one with `date` there, if ISO dates are below.

    pandas writes an index without a name so. `names` are those of a date column.
    """
    has_date = any(cell.lower() in names for cell in cells)
    first = next(iter(below), "").strip()
    if has_date or not cells or not is_unnamed(cells[0]) or not ISO.match(first):
        return [*cells]
    return [names[0], *cells[1:]]
