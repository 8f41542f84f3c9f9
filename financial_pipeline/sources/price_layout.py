"""The headers of daily price files: which form a file has, and where it keeps each value.

Forms whose name ends in `-adjusted` have adjusted prices only: their close has dividends removed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources.compression import first_lines
from financial_pipeline.sources.physical_lines import is_unnamed, split

DATE: Final = "date"
# Upstream's column names, in lower case, and ours. Fields that are not kept map to themselves.
FIELDS: Final = {
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "adj close": "adjusted_close",
    "adj. close": "adjusted_close",
    "adjclose": "adjusted_close",
    "adjusted close": "adjusted_close",
    "volume": "volume",
    "dividends": "dividend",
    "stock splits": "split_ratio",
    "capital gains": "capital_gain",
    "simulated": "simulated",
    "repaired?": "repaired",
}
NOT_KEPT: Final = frozenset({"capital_gain", "simulated", "repaired"})
VALUE_FIELDS: Final = tuple(
    dict.fromkeys(field for field in FIELDS.values() if field not in NOT_KEPT)
)
BARS: Final = frozenset({"open", "high", "low", "close", "volume"})
ADJUSTED: Final = "adjusted_close"
# Enough lines to see a header after some blank lines.
HEADER_SEARCH_LINES: Final = 10
EXPECTED: Final = (
    "bank prices: `Date,Open,High,Low,Close,Adj Close,Volume` (Yahoo),"
    " `Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits` in any order (yfinance"
    " history), or the three header lines `Price,...`, `Ticker,...`, `Date,,,` (yfinance download)"
)


@dataclass(frozen=True)
class PriceLayout:
    """The layout of a price file: header lines, number of fields, and columns by bank.

    `columns` maps a symbol (None if the file name contains it) to the column of each field.
    """

    form: str
    header_lines: tuple[int, ...]
    width: int
    date_column: int
    columns: dict[str | None, dict[str, int]]

    @property
    def adjusted_only(self) -> bool:
        """Whether the file's close is already adjusted, so that it has no raw prices."""
        return self.form.endswith("-adjusted")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in split(line) or []]


def _form(name: str, fields: set[str]) -> str | None:
    if not fields >= BARS:
        return None
    return name if ADJUSTED in fields else f"{name}-adjusted"


def _names(cells: list[str]) -> list[str]:
    # Yahoo's page marks its closes with stars, and software writes underscores for spaces.
    return [cell.lower().rstrip("*").replace("_", " ") for cell in cells]


def foreign_columns(lines: Sequence[str]) -> list[str]:
    """The columns that keep a header with a date and bars from being known; else none."""
    cells = _cells(next((line for line in lines if line.strip()), ""))
    names = _names(cells)
    if not {DATE, *BARS} <= set(names):
        return []
    known = (DATE, *FIELDS)
    pairs = zip(cells, names, strict=True)
    return [cell for cell, name in pairs if name not in known and not is_unnamed(name)]


def _single_header(cells: list[str]) -> tuple[str, dict[str, int], int] | None:
    """Form, field columns and date column of a one-line header, or None."""
    names = _names(cells)
    named = [name for name in names if not is_unnamed(name)]
    if named.count(DATE) != 1 or len(set(named)) != len(named):
        return None
    fields = {FIELDS[name]: column for column, name in enumerate(names) if name in FIELDS}
    if len(fields) + 1 != len(named):
        return None
    has_actions = "dividend" in fields or "split_ratio" in fields
    form = _form("yfinance-history" if has_actions else "yahoo-classic", set(fields))
    # Without actions and without an adjusted close Close may be either of the two.
    return (
        None if form in (None, "yahoo-classic-adjusted") else (str(form), fields, names.index(DATE))
    )


def _triple_header(rows: list[list[str]]) -> tuple[str, dict[str | None, dict[str, int]]] | None:
    """Form and columns by ticker of yfinance's three-line header, or None."""
    if len(rows) < 3 or rows[2][:1] != ["Date"] or any(rows[2][1:]):
        return None
    pairs = zip(rows[0][1:], rows[1][1:], strict=False)
    last = max((place for place, pair in enumerate(pairs, start=1) if any(pair)), default=0)
    fields, tickers = rows[0][1 : last + 1], rows[1][1 : last + 1]
    # `group_by="ticker"` writes the two lines the other way round.
    if not {field.lower() for field in fields} <= FIELDS.keys():
        fields, tickers = tickers, fields
    if not fields or len(fields) != len(tickers) or not all(tickers):
        return None
    columns: dict[str | None, dict[str, int]] = {}
    for column, (field, ticker) in enumerate(zip(fields, tickers, strict=True), start=1):
        of_bank = columns.setdefault(ticker.upper(), {})
        name = FIELDS.get(field.lower())
        # Of two columns of one name nobody knows which one counts.
        if name is None or name in of_bank:
            return None
        of_bank[name] = column
    forms = {_form("yfinance-multiheader", set(found)) for found in columns.values()}
    form = forms.pop()
    return None if forms or form is None else (form, columns)


def layout(lines: Sequence[str]) -> PriceLayout | None:
    """The layout that a file's first lines announce, or None for a header that is not known."""
    filled = [number for number, line in enumerate(lines, start=1) if line.strip()][:3]
    rows = [_cells(lines[number - 1]) for number in filled]
    if not rows:
        return None
    if (single := _single_header(rows[0])) is not None:
        form, fields, date_column = single
        return PriceLayout(form, tuple(filled[:1]), len(rows[0]), date_column, {None: fields})
    if (triple := _triple_header(rows)) is not None:
        form, columns = triple
        return PriceLayout(form, tuple(filled), len(rows[0]), 0, columns)
    return None


def layout_of(path: Path) -> PriceLayout | None:
    """The layout of a file, or None for a header that is not known."""
    return layout(first_lines(path, HEADER_SEARCH_LINES))


def known_layout(path: Path) -> PriceLayout:
    """The layout of a file; raises PipelineError for a header that is not known."""
    found = layout_of(path)
    if found is None:
        raise PipelineError(f"{path} has an unknown header; expected {EXPECTED}.")
    return found
