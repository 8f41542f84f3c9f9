"""The headers of daily price files: which form a file has, and where it keeps each value.

Forms whose name ends in `-adjusted` have adjusted prices only: their close has dividends removed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.sources import price_steps
from financial_pipeline.sources.compression import first_lines
from financial_pipeline.sources.day_text import with_date_name
from financial_pipeline.sources.physical_lines import is_unnamed, split

DATE: Final = "date"
# The column with the bank of each line, in a table of several.
SYMBOL_NAMES: Final = ("ticker", "symbol", "name")
# Of Alpha Vantage, Tiingo and Quandl, whose other prices are as they traded.
TRADED_FIELDS: Final = {
    "dividend amount": "dividend",
    "divcash": "dividend",
    "ex-dividend": "dividend",
    "split coefficient": "split_ratio",
    "splitfactor": "split_ratio",
    "split ratio": "split_ratio",
    **{f"adj{bar}": f"adjusted_{bar}" for bar in ("open", "high", "low", "volume")},
    **{f"adj. {bar}": f"adjusted_{bar}" for bar in ("open", "high", "low", "volume")},
}
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
    "openint": "open_interest",
    **TRADED_FIELDS,
}
NOT_KEPT: Final = frozenset(
    "capital_gain simulated repaired open_interest adjusted_open adjusted_high adjusted_low"
    " adjusted_volume".split()
)
VALUE_FIELDS: Final = tuple(
    dict.fromkeys(field for field in FIELDS.values() if field not in NOT_KEPT)
)
BARS: Final = frozenset({"open", "high", "low", "close", "volume"})
ADJUSTED: Final = "adjusted_close"
ACTIONS: Final = frozenset({"dividend", "split_ratio"})
# Enough lines to see a header after some blank lines.
HEADER_SEARCH_LINES: Final = 10
# Lines above a header.
TITLE_LINES: Final = 3
PAIR: Final = re.compile(r"\('([^']+)', '([^']+)'\)")
FIELD: Final = "Adj Close|Open|High|Low|Close|Volume|Dividends|Stock Splits|Capital Gains"
FIELD_FIRST: Final = re.compile(rf"({FIELD})[_ ]([A-Za-z.-]+)", re.IGNORECASE)
FIELD_LAST: Final = re.compile(rf"([A-Za-z.-]+)[_ ]({FIELD})", re.IGNORECASE)
EXPECTED: Final = (
    "bank prices: `Date,Open,High,Low,Close,Adj Close,Volume` (Yahoo),"
    " `Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits` in any order (yfinance"
    " history), or the three header lines `Price,...`, `Ticker,...`, `Date,,,` (yfinance download)"
)


@dataclass(frozen=True)
class PriceLayout:
    """The layout of a price file: header lines, number of fields, and columns by bank.

    `columns` maps a symbol (None if the file name contains it, or `symbol_column` of each line) to
    the column of each field.
    """

    form: str
    header_lines: tuple[int, ...]
    width: int
    date_column: int
    columns: dict[str | None, dict[str, int]]
    symbol_column: int | None = None

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
    names = [cell.lower().rstrip("*").replace("_", " ") for cell in cells]
    return [DATE if name == "timestamp" else name for name in names]


def foreign_columns(lines: Sequence[str]) -> list[str]:
    """The columns that make a header with a date and bars unknown; else none."""
    cells = _cells(next((line for line in lines if line.strip()), ""))
    names = _names(cells)
    if not {DATE, *BARS} <= set(names):
        return []
    known = (DATE, *FIELDS, *SYMBOL_NAMES)
    pairs = zip(cells, names, strict=True)
    return [cell for cell, name in pairs if name not in known and not is_unnamed(name)]


def has_no_adjusted_close(lines: Sequence[str]) -> bool:
    """Whether a header has a date and prices of a day, but no adjusted closes and no dividends."""
    names = {*_names(_cells(next((line for line in lines if line.strip()), "")))}
    found = {FIELDS[name] for name in names if name in FIELDS}
    return {DATE, "open", "high", "low"} <= names and found.isdisjoint(ACTIONS | {ADJUSTED})


def _single_header(rows: Sequence[list[str]]) -> tuple[str, dict[str, int], list[str]] | None:
    """Form, field columns and names of a one-line header above `rows`, or None."""
    names = _names(rows[0])
    named = [name for name in names if not is_unnamed(name)]
    if named.count(DATE) != 1 or len(set(named)) != len(named):
        return None
    fields = {FIELDS[name]: column for column, name in enumerate(names) if name in FIELDS}
    symbols = [name for name in named if name in SYMBOL_NAMES]
    if len(fields) + 1 + len(symbols) != len(named) or len(symbols) > 1:
        return None
    kind = "yahoo-classic" if ACTIONS.isdisjoint(fields) else "yfinance-history"
    form = _form("traded-history" if TRADED_FIELDS.keys() & {*named} else kind, set(fields))
    # Without actions and without an adjusted close Close may be either of the two.
    if form == "yahoo-classic-adjusted":
        form = "yfinance-download-adjusted" if _are_adjusted(rows, fields) else None
    return None if form is None else (form, fields, names)


def _are_adjusted(rows: Sequence[list[str]], fields: dict[str, int]) -> bool:
    places = [fields[name] for name in BARS - {"volume"}]
    return price_steps.are_adjusted(
        row[place] for row in rows for place in places if place < len(row)
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
    return _by_ticker({n: pair for n, pair in enumerate(zip(fields, tickers, strict=True), 1)})


def _paired_header(cells: list[str]) -> tuple[str, dict[str | None, dict[str, int]]] | None:
    """Form and columns by ticker of yfinance's table in one header line, or None.

    Software writes the two lines of names as `Close_JPM`, `JPM_Close` or `('Close', 'JPM')`.
    """
    if _names(cells).count(DATE) != 1:
        return None
    pairs = {}
    for place, cell in enumerate(cells):
        if _names([cell]) == [DATE] or is_unnamed(cell):
            continue
        found = PAIR.fullmatch(cell) or FIELD_FIRST.fullmatch(cell) or FIELD_LAST.fullmatch(cell)
        if found is None:
            return None
        is_first = found[1].lower() in FIELDS
        pairs[place] = (found[1], found[2]) if is_first else (found[2], found[1])
    return _by_ticker(pairs) if pairs else None


def _by_ticker(
    pairs: Mapping[int, tuple[str, str]],
) -> tuple[str, dict[str | None, dict[str, int]]] | None:
    """Form and columns by ticker of columns with a field and a ticker each, or None."""
    columns: dict[str | None, dict[str, int]] = {}
    for place, (field, ticker) in pairs.items():
        of_bank = columns.setdefault(ticker.upper(), {})
        name = FIELDS.get(field.lower())
        # With two columns of one name, it is unknown which one is right.
        if name is None or name in of_bank:
            return None
        of_bank[name] = place
    forms = {_form("yfinance-multiheader", set(found)) for found in columns.values()}
    form = forms.pop()
    return None if forms or form is None else (form, columns)


def layout(lines: Sequence[str]) -> PriceLayout | None:
    """The layout of a file by its first lines, or None for an unknown header.

    A title may be above the header.
    """
    seen = lines[:HEADER_SEARCH_LINES]
    filled = [number for number, line in enumerate(seen, start=1) if line.strip()]
    rows = [_cells(lines[number - 1]) for number in filled]
    found = (_layout_from(rows, filled, start) for start in range(min(len(rows), TITLE_LINES + 1)))
    return next((each for each in found if each is not None), None)


def _layout_from(
    rows: Sequence[list[str]], filled: Sequence[int], start: int
) -> PriceLayout | None:
    """The layout whose header begins at the row `start`; `filled` are the lines of the rows."""
    below = [*rows[start + 1 :], [""]]
    rows = [with_date_name(rows[start], below[0], (DATE,)), *below[:-1]]
    lines = tuple(filled[: start + 1])
    if (single := _single_header(rows)) is not None:
        form, fields, names = single
        symbol = next((place for place, name in enumerate(names) if name in SYMBOL_NAMES), None)
        return PriceLayout(form, lines, len(names), names.index(DATE), {None: fields}, symbol)
    if (paired := _paired_header(rows[0])) is not None:
        form, columns = paired
        return PriceLayout(form, lines, len(rows[0]), _names(rows[0]).index(DATE), columns)
    if (triple := _triple_header(list(rows))) is not None:
        form, columns = triple
        return PriceLayout(form, tuple(filled[: start + 3]), len(rows[0]), 0, columns)
    return None


def layout_of(path: Path) -> PriceLayout | None:
    """The layout of a file, or None for an unknown header."""
    return layout(first_lines(path, HEADER_SEARCH_LINES))


def known_layout(path: Path) -> PriceLayout:
    """The layout of a file; raises PipelineError for an unknown header."""
    found = layout_of(path)
    if found is None:
        raise PipelineError(f"{path} has an unknown header; expected {EXPECTED}.")
    return found
