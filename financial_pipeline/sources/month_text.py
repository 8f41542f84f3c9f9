"""Months in the forms that tools export, read as upstream's form (`Dec-2015`).

ISO dates, year and month, names in any case, and dates with slashes if the column, or the file,
proves the order are unambiguous. `18-Dec` and `Dec-15` are not, as year and day cannot be told
apart, unless the file proves that such a number is a year: `Dec-85` has no day.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from financial_pipeline.schemas.lending_club import UPSTREAM_MONTHS

NAMES: Final = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
LONG_NAMES: Final = (
    "january february march april may june july august september october november december"
).split()
MONTHS_IN_YEAR: Final = 12
# A clock and a zone may follow a day. After noon it may be the next day in another zone, so the
# month is uncertain and the text is not read as a month.
CLOCK: Final = (
    r"(?:[T ](?:0?\d|1[01]):\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?"
    r"| 12:00:00 AM)?"
)
# Stata writes 2015m12.
YEAR_FIRST: Final = re.compile(rf"((?:19|20)\d\d)[-/.m]?(\d{{1,2}})(?:[-/.]?(\d{{1,2}}){CLOCK})?")
# Different months after a day that is always the first: some software writes 2015-01-12.
MANY_MONTHS: Final = 6
YEAR_AND_NAME: Final = re.compile(r"((?:19|20)\d\d)[-_ /]?([A-Za-z]{3,9})")
MONTH_AND_YEAR: Final = re.compile(r"(\d{1,2})[-/.]((?:19|20)\d\d)")
# SAS writes 01DEC2015:00:00:00.
NAME_AND_YEAR: Final = re.compile(
    r"(?:\d{1,2}[- ]?)?([A-Za-z]{3,9})\.?[-_ /]?((?:19|20)\d\d)(?::00:00:00(?:\.0+)?)?"
)
NAME_DAY_YEAR: Final = re.compile(r"([A-Za-z]{3,9})\.? \d{1,2},? ((?:19|20)\d\d)")
# A spreadsheet shows `Dec-2015` as `Dec-15`, and that as `15-Dec` when it opens the file again.
TWO_DIGITS: Final = re.compile(r"([A-Za-z]{3,9})-(\d{1,2})|(\d{1,2})-([A-Za-z]{3,9})")
# The first of a month as Oracle writes it: 01-DEC-15.
FIRST_DAY: Final = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{2})")
LONG_YEAR: Final = re.compile(r"\d{4}")
LAST_DAY: Final = 31
# From here on, spreadsheets take two digits for a year of the last century.
LAST_CENTURY: Final = 30
SLASHED: Final = re.compile(rf"(\d{{1,2}})[/.-](\d{{1,2}})[/.-]((?:19|20)\d\d){CLOCK}")


def _month_number(name: str) -> int | None:
    """The number of a month name, three letters or more; `Sept` included."""
    word = name.lower()
    found = [n for n, full in enumerate(LONG_NAMES, start=1) if full.startswith(word)]
    return found[0] if len(found) == 1 else None


def _month_text(year: str, month: int | None) -> str | None:
    if month is None or not 1 <= month <= MONTHS_IN_YEAR:
        return None
    text = f"{NAMES[month - 1]}-{year}"
    return text if text in UPSTREAM_MONTHS else None


def _upstream_form(text: str, month_group: int | None, month_place: int) -> str | None:
    """One stripped text; `month_group` and `month_place` are the numbers that are the month.

    The first is that of slashed dates, the second that of dates which begin with the year.
    """
    if found := YEAR_FIRST.fullmatch(text):
        return _month_text(found.group(1), int(found.group(month_place) or found.group(2)))
    if found := MONTH_AND_YEAR.fullmatch(text):
        return _month_text(found.group(2), int(found.group(1)))
    if found := YEAR_AND_NAME.fullmatch(text):
        return _month_text(found.group(1), _month_number(found.group(2)))
    if found := NAME_AND_YEAR.fullmatch(text) or NAME_DAY_YEAR.fullmatch(text):
        return _month_text(found.group(2), _month_number(found.group(1)))
    if (found := SLASHED.fullmatch(text)) and month_group:
        return _month_text(found.group(3), int(found.group(month_group)))
    return None


def _month_group(texts: Iterable[str]) -> int | None:
    """Find the place of the month in the slashed dates of a column; None without proof.

    A number above 12 is a day. Without one, a number that is always 1 next to one that is not is
    the first day of months.
    """
    pairs = [
        (int(found.group(1)), int(found.group(2)))
        for text in texts
        if (found := SLASHED.fullmatch(text))
    ]
    if not pairs:
        return None
    first, second = ({pair[at] for pair in pairs} for at in (0, 1))
    above = max(first) > MONTHS_IN_YEAR, max(second) > MONTHS_IN_YEAR
    if any(above):
        return None if all(above) else (2 if above[0] else 1)
    if second == {1} and len(first) > 1:
        return 1
    return 2 if first == {1} and len(second) > 1 else None


def _month_place(texts: Iterable[str]) -> int:
    """Find the place of the month in dates that begin with the year: the second, or the third."""
    found = [match for text in texts if (match := YEAR_FIRST.fullmatch(text)) and match.group(3)]
    days, months = ({int(match.group(at)) for match in found} for at in (2, 3))
    is_swapped = days == {1} and len(months) >= MANY_MONTHS and max(months) <= MONTHS_IN_YEAR
    return 3 if is_swapped else 2


def _short_years(column: Collection[str], file: Iterable[str]) -> dict[str, str]:
    """The months of a column with years of two digits; none if any of its years has four.

    `file` has the texts of all date columns: there a number above 31 must show that it is a year.
    """
    proofs = (int(m[2] or m[3]) for text in file if (m := TWO_DIGITS.fullmatch(text)))
    pairs = {
        text: (match[1] or match[4], int(match[2] or match[3]))
        for text in column
        if (match := TWO_DIGITS.fullmatch(text))
    }
    is_day = {number for _, number in pairs.values()} == {1}
    if is_day or max(proofs, default=0) <= LAST_DAY or any(map(LONG_YEAR.search, column)):
        return {}
    return _in_full(pairs)


def _in_full(pairs: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """Upstream's texts of months by name and a year of two digits."""
    months = {
        text: _month_text(
            f"{19 if number >= LAST_CENTURY else 20}{number:02d}", _month_number(name)
        )
        for text, (name, number) in pairs.items()
    }
    return {text: month for text, month in months.items() if month is not None}


def _first_days(column: Collection[str], file: Iterable[str]) -> dict[str, str]:
    """The months of a column of first days with years of two digits.

    In the file, the first number is always 1 and the last one is not always the same.
    """
    matches = [match for text in file if (match := FIRST_DAY.fullmatch(text))]
    days, years = ({int(match[at]) for match in matches} for at in (1, 3))
    if days != {1} or len(years) == 1:
        return {}
    found = {text: match for text in column if (match := FIRST_DAY.fullmatch(text))}
    return _in_full({text: (match[2], int(match[3])) for text, match in found.items()})


def other_forms(texts: Iterable[str | None], others: Iterable[str | None] = ()) -> dict[str, str]:
    """Map the texts of one column that are months in another form to upstream's form.

    Texts that are upstream's already, and texts that are no month, are left out. `others` are the
    texts of all date columns of the file: software writes all of them in one order, which a column
    of few months does not prove.
    """
    filled = [text for text in texts if text]
    stripped = {text: text.strip() for text in filled if text not in UPSTREAM_MONTHS}
    if not stripped:
        return {}
    column, file = stripped.values(), {text.strip() for text in others if text}
    written = {text.strip() for text in filled}
    short = _short_years(written, file | written) | _first_days(written, file | written)
    group = _month_group(column) or _month_group(file.union(column))
    place = max(_month_place(column), _month_place(file))
    found = {
        text: short.get(bare, bare)
        if bare in UPSTREAM_MONTHS or bare in short
        else _upstream_form(bare, group, place)
        for text, bare in stripped.items()
    }
    return {text: month for text, month in found.items() if month is not None}
