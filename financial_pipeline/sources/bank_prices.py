"""Files of daily bank prices as Yahoo and yfinance write them, detected from their header.

A file is read as text, one record per line and bank; `transforms/bank_prices.py` interprets the
texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import Content, content_of
from financial_pipeline.schemas.raw import LandedFile
from financial_pipeline.settings import Settings
from financial_pipeline.sources.compression import decompressed
from financial_pipeline.sources.day_text import in_iso_form
from financial_pipeline.sources.market_calendar import EXCHANGE_ZONE, open_session
from financial_pipeline.sources.physical_lines import (
    Record,
    count_bytes,
    main_problem,
    read_records,
)
from financial_pipeline.sources.price_layout import (
    DATE,
    VALUE_FIELDS,
    PriceLayout,
    known_layout,
    layout,
)
from financial_pipeline.sources.price_names import line_symbol, symbols_of

DATASET: Final = "bank_prices"
# Date, hours and minutes, and a UTC offset: its sign (or Z), hours and minutes.
DATE_PATTERN: Final = (
    r"^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?"
    r"(?:([+-]|[Zz]$)(?:(\d{2}):?(\d{2})?)?)?)?$"
)
# The open and the close of the exchange, in its own time.
OPEN_AND_CLOSE: Final = (time(9, 30), time(16))
# From this time on, a time without an offset may be New York's midnight further west.
EVENING: Final = "21:00"
FRIDAY: Final = 5
# The exchange calendar of the warehouse starts here.
EARLIEST: Final = date(1960, 1, 1)
# Files that stay in memory as they were read: detection, the plan, the ledger of restatements and
# staging read the same ones.
KEPT_FILES: Final = 32
# The note of lines of other symbols, in a table of several.
OTHER_SYMBOL: Final = "other_symbol"
# By the first word of the name of a form.
PROVIDERS: Final = {"yahoo": "yahoo", "yfinance": "yfinance", "traded": "csv"}
# Larger files are read each time: a history of sixty years has one to two megabytes.
KEPT_BYTES: Final = 2 << 20
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


@dataclass(frozen=True)
class PriceFile:
    """One file as it was read: its lines with `session_date`, their number, and its form."""

    lines: PriceLines
    physical_lines: int
    adjusted_only: bool


def matches(lines: Sequence[str]) -> bool:
    """Whether a file that starts with these lines is one of daily bank prices."""
    return layout(lines) is not None


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
    if found.symbol_column is not None:
        named = [line_symbol(record, found)]
    if not all(named):
        return [row | {"problem": "no_symbol"}]
    parts = [row | {"symbol": s} | v for s, v in zip(named, values, strict=True) if any(v.values())]
    parts = parts or [row | {"symbol": named[0]}]
    return parts[:1] + [part | {"physical_lines": 0} for part in parts[1:]]


def read_lines(plain: Path, found: PriceLayout, named: list[str]) -> PriceLines:
    """Read an uncompressed file into text records, one per line and bank of `named`."""
    rows: list[dict[str, object]] = []
    notes = {"header": 0, "repeated_header": 0, "blank": 0}
    is_long = found.symbol_column is not None
    headers: set[str] = set()
    for record in read_records(plain, found.width, 0):
        if record.line_number in found.header_lines:
            notes["header"] += record.physical_lines
            headers.add(record.text)
        elif not record.text.strip():
            notes["blank"] += record.physical_lines
        elif record.text in headers:
            notes["repeated_header"] += record.physical_lines
        elif is_long and line_symbol(record, found) not in ("", *named):
            notes[OTHER_SYMBOL] = notes.get(OTHER_SYMBOL, 0) + record.physical_lines
        else:
            rows += _parts(record, found, named)
    return PriceLines(pl.DataFrame(rows, RECORD_SCHEMA, strict=True), notes)


def read_file(content: Content, named: Sequence[str]) -> PriceFile:
    """Read a file with the prices of `named`; content that is still in memory is not read again.

    Raises PipelineError for an unknown header, and if the file has other bytes by now.
    """
    if content.path.stat().st_size > KEPT_BYTES:
        return _read_file.__wrapped__(content, tuple(named))
    return _read_file(content, tuple(named))


@lru_cache(maxsize=KEPT_FILES)
def _read_file(content: Content, named: tuple[str, ...]) -> PriceFile:
    path = content.path
    found = known_layout(path)
    with TemporaryDirectory() as folder, decompressed(path, Path(folder)) as plain:
        lines = read_lines(plain, found, [*named])
        physical_lines = count_bytes(plain).physical_lines
    if content_of(path) != content:
        raise PipelineError(
            f"{path} changed since its hash was taken; repeat the command, and drop the file again"
            " if it is an archived one."
        )
    records = lines.records.with_columns(in_iso_form(lines.records[DATE]))
    records = records.with_columns(session_date=session_date())
    return PriceFile(PriceLines(records, lines.notes), physical_lines, found.adjusted_only)


def session_date() -> pl.Expr:
    """The exchange-local date of a text `2004-01-02`, with or without a time and a UTC offset.

    A time with an offset is converted to New York. Midnight is how software writes a date alone,
    whatever the offset, unless it is the open or the close there. A time without an offset is the
    exchange's own; evenings are dates if a Friday is among them, since the evening before a session
    is none, and are null if not.
    """
    parts = pl.col(DATE).str.strip_chars().str.extract_groups(DATE_PATTERN)
    day, clock, sign, hours, minutes = (parts.struct.field(str(place)) for place in range(1, 6))
    text = pl.concat_str(day, pl.lit("T"), clock.fill_null("00:00"))
    local = text.str.to_datetime("%Y-%m-%dT%H:%M", strict=False)
    offset = hours.cast(pl.Int64) * 60 + minutes.fill_null("0").cast(pl.Int64)
    ahead = pl.when(sign == "-").then(-offset).otherwise(offset).fill_null(0)
    utc = (local - pl.duration(minutes=ahead)).dt.replace_time_zone("UTC")
    instant = utc.dt.convert_time_zone(EXCHANGE_ZONE.key)
    is_midnight = local == local.dt.truncate("1d")
    is_date = sign.is_null() | (is_midnight & ~instant.dt.time().is_in(OPEN_AND_CLOSE))
    is_evening = (sign.is_null() & (clock >= EVENING)).fill_null(False)
    has_friday = (is_evening & (local.dt.weekday() == FRIDAY)).any()
    found = pl.when(is_date).then(local.dt.date()).otherwise(instant.dt.date())
    return pl.when(~is_evening | has_friday).then(found)


def arrival(arrived: datetime) -> tuple[date, date | None]:
    """The day of an arrival in New York, and its session if that was not over."""
    return arrived.astimezone(EXCHANGE_ZONE).date(), open_session(arrived)


def judge_arrival(records: pl.DataFrame, arrived: datetime) -> pl.DataFrame:
    """Give lines of sessions that were not over when their file arrived a `problem`.

    The price of a session that is not over is no close, and a later day is mistyped.
    """
    day, (today, session) = pl.col("session_date"), arrival(arrived)
    is_open = day == pl.lit(session, pl.Date)
    unfinished = pl.when(is_open).then(pl.lit("unfinished_session"))
    problem = unfinished.when(day > today).then(pl.lit("future_session")).otherwise("problem")
    return records.with_columns(problem=problem)


def describe(path: Path, symbols: Sequence[str] | None = None) -> LandedFile:
    """Recognise one file; `subject` is its symbol, or several joined with commas.

    `symbols` are the configured ones by default. Raises PipelineError for an unknown header, an
    unknown bank, and a file without a readable date.
    """
    found = known_layout(path)
    named = symbols_of(path, found, symbols or Settings().symbols)
    read = read_file(content_of(path), named)
    records = read.lines.records
    dates = records["session_date"].drop_nulls()
    # A mistyped year must not stretch the range of sessions; staging quarantines its line.
    days = dates.filter(dates.is_between(EARLIEST, date.today()))
    if days.is_empty():
        reason = main_problem(records) or "expected dates like 2004-01-02"
        raise PipelineError(
            f"{path} contains no line with a readable date from {EARLIEST} to today; {reason}."
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
        provider=PROVIDERS[found.form.partition("-")[0]],
        remarks=_remarks(read.lines),
    )


def _remarks(lines: PriceLines) -> tuple[str, ...]:
    left_out = lines.notes.get(OTHER_SYMBOL, 0)
    sentence = f"{left_out:,} lines of symbols that are not configured are left out"
    return (sentence,) if left_out else ()
