"""Files of daily bank prices as Yahoo and yfinance write them, detected from their header.

A file is read as text, one record per line and bank; what the texts mean is decided by
`transforms/bank_prices.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.settings import Settings
from financial_pipeline.sources.compression import decompressed, first_lines, plain_stem, tokens
from financial_pipeline.sources.physical_lines import Record, read_records
from financial_pipeline.sources.price_layout import DATE, VALUE_FIELDS, PriceLayout, layout

DATASET: Final = "bank_prices"
# Enough lines to see a header after some blank lines.
HEADER_SEARCH_LINES: Final = 10

EXPECTED: Final = (
    "bank prices: `Date,Open,High,Low,Close,Adj Close,Volume` (Yahoo),"
    " `Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits` in any order (yfinance"
    " history), or the three header lines `Price,...`, `Ticker,...`, `Date,,,` (yfinance download)"
)

RECORD_SCHEMA: Final = {
    "line_number": pl.Int64(),
    # Lines spanned; 0 for the second bank of a line and on, so that sums count each line once.
    "physical_lines": pl.Int64(),
    "original_text": pl.String(),
    # Why the line could not be cut into fields, else null.
    "problem": pl.String(),
    "symbol": pl.String(),
    "date": pl.String(),
    **dict.fromkeys(VALUE_FIELDS, pl.String()),
}


@dataclass(frozen=True)
class PriceLines:
    """The text records of a file (RECORD_SCHEMA) and its notes: kind to physical lines."""

    records: pl.DataFrame
    notes: dict[str, int]


def matches(lines: Sequence[str]) -> bool:
    """Whether a file that starts with these lines is one of daily bank prices."""
    return layout(lines) is not None


def symbols_of(path: Path, found: PriceLayout, symbols: Sequence[str]) -> list[str]:
    """The banks of a file, in column order: from its content, else from its name.

    Raises PipelineError, with the list of configured symbols, for any other one.
    """
    expected = ", ".join(symbols)
    if None not in found.columns:
        named = [str(symbol) for symbol in found.columns]
        if foreign := [symbol for symbol in named if symbol not in symbols]:
            raise PipelineError(
                f"{path} contains prices of {', '.join(foreign)}; expected only the configured"
                f" symbols {expected}: drop its columns, or add it to FINANCIAL_PIPELINE_SYMBOLS."
            )
        return named
    exact = plain_stem(path).upper()
    named = [exact] if exact in symbols else [s for s in symbols if s in tokens(path)]
    if len(named) != 1:
        raise PipelineError(
            f"{path} contains prices, but its name does not name a bank; expected one of the"
            f" configured symbols {expected} as its name, such as {symbols[0]}.csv."
        )
    return named


def _parts(record: Record, found: PriceLayout, named: list[str]) -> list[dict[str, object]]:
    """One row per bank of a record; banks without any value on a line of several are left out."""
    row: dict[str, object] = {
        "line_number": record.line_number,
        "physical_lines": record.physical_lines,
        "original_text": record.text,
    }
    if record.fields is None or len(record.fields) != found.width:
        reason = "unreadable_quotes" if record.fields is None else "wrong_field_count"
        return [row | {"problem": reason}]
    values = [
        {field: record.fields[column] for field, column in fields.items()}
        for fields in found.columns.values()
    ]
    row["date"] = record.fields[found.date_column]
    parts = [row | {"symbol": s} | v for s, v in zip(named, values, strict=True) if any(v.values())]
    parts = parts or [row | {"symbol": named[0]}]
    return parts[:1] + [part | {"physical_lines": 0} for part in parts[1:]]


def read_lines(plain: Path, found: PriceLayout, named: list[str]) -> PriceLines:
    """Read an uncompressed file into text records, one per line and bank of `named`."""
    rows: list[dict[str, object]] = []
    notes = {"header": 0, "repeated_header": 0, "blank": 0}
    headers: set[str] = set()
    for record in read_records(plain, found.width, 0):
        if record.line_number in found.header_lines:
            notes["header"] += record.physical_lines
            headers.add(record.text)
        elif not record.text.strip():
            notes["blank"] += record.physical_lines
        elif record.text in headers:
            notes["repeated_header"] += record.physical_lines
        else:
            rows += _parts(record, found, named)
    return PriceLines(pl.DataFrame(rows, RECORD_SCHEMA, strict=True), notes)


def session_date(column: str = DATE) -> pl.Expr:
    """The exchange-local date of a text `2004-01-02`, with or without a time and a zone."""
    text = pl.col(column).str.strip_chars()
    valid = text.str.contains(r"^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\S*)?$")
    return pl.when(valid).then(text.str.slice(0, 10)).str.to_date("%Y-%m-%d", strict=False)


def describe(path: Path, symbols: Sequence[str] | None = None) -> LandedFile:
    """Recognise one file; `subject` is its symbol, or several joined with commas.

    `symbols` are the configured ones by default. Raises PipelineError for an unknown header, an
    unknown bank, and a file without a readable date.
    """
    found = layout(first_lines(path, HEADER_SEARCH_LINES))
    if found is None:
        raise PipelineError(f"{path} has an unknown header; expected {EXPECTED}.")
    named = symbols_of(path, found, symbols or Settings().symbols)
    with TemporaryDirectory() as folder, decompressed(path, Path(folder)) as plain:
        records = read_lines(plain, found, named).records
    days = records.select(session_date()).to_series().drop_nulls()
    if days.is_empty():
        raise PipelineError(
            f"{path} contains no line with a readable date; expected dates like 2004-01-02."
        )
    return LandedFile(
        path=path,
        dataset=DATASET,
        form=found.form,
        subject=",".join(named),
        snapshot_date=None,
        first_date=days.min(),  # type: ignore[arg-type]
        last_date=days.max(),  # type: ignore[arg-type]
        rows_seen=records["line_number"].n_unique(),
        provider="yfinance" if found.form.startswith("yfinance") else "yahoo",
    )
