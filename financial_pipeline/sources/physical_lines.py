"""Physical lines and records of a delimited file: counting bytes, and reading record by record.

Polars reads clean files; this module counts the lines independently of it, and reads files that
Polars cannot, one record at a time, without losing a line.
"""

import csv
import re
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

BLOCK = 1 << 24
NEWLINE, COMMA = b"\n"[0], b","[0]
# A record that is still inside a quoted field after this many lines lost its closing quote.
MAX_RECORD_LINES = 500
# Names of columns of row numbers, of a comma at the end of a line, and of such columns in pandas.
UNNAMED = re.compile(r"(unnamed: ?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class ByteCounts:
    """Counts of a file's bytes; a last line without newline counts as a line."""

    physical_lines: int
    commas: int


@dataclass(frozen=True)
class Record:
    """One record: first physical line (from 1), lines spanned, text, and fields if readable."""

    line_number: int
    physical_lines: int
    text: str
    fields: list[str] | None


def count_bytes(path: Path) -> ByteCounts:
    """Count lines and commas of a plain file in blocks of 16 MB."""
    newlines = commas = 0
    last = NEWLINE
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            newlines += _count(block, NEWLINE)
            commas += _count(block, COMMA)
            last = block[-1]
    return ByteCounts(newlines + (last != NEWLINE), commas)


def _decode(line: bytes) -> str:
    # Exports by old spreadsheets are Windows-1252; everything else upstream is UTF-8.
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def split(text: str) -> list[str] | None:
    """The comma-separated fields of one record, or None if its quotes do not close."""
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return None


# Problems of records that have no fields to read.
PROBLEMS = {
    "wrong_field_count": "has another number of fields than the header",
    "unreadable_quotes": "has quotes that do not close",
    "no_series": "names no series",
    "no_symbol": "names no symbol",
}


def main_problem(records: pl.DataFrame) -> str | None:
    """Explain why most records of a file are unreadable, if the reason is not the date."""
    counts = records["problem"].value_counts(sort=True)
    problem, count = counts.row(0) if counts.height else (None, 0)
    if problem is None:
        return None
    return f"{count:,} of its {records.height:,} lines: {problem} (each {PROBLEMS[problem]})"


def is_unnamed(name: str) -> bool:
    """Whether a column has no name, or the one that pandas gives to such a column."""
    return UNNAMED.fullmatch(name.strip()) is not None


class _Lines:
    """The lines of a file with a view ahead."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ahead: deque[str] = deque()

    def peek(self, index: int) -> str | None:
        """The upcoming line `index`, without its line end; None after the last."""
        while len(self._ahead) <= index:
            line = self._stream.readline()
            if not line:
                return None
            self._ahead.append(_decode(line).rstrip("\r\n"))
        return self._ahead[index]

    def drop(self, count: int) -> None:
        """Move on by `count` lines."""
        for _ in range(count):
            self._ahead.popleft()


def _assemble(lines: _Lines, first: str, columns: int) -> tuple[int, str, list[str] | None]:
    """The record that starts at the next line: lines spanned, text and fields.

    Further lines join only where that gives the expected number of fields, so a stray quote
    costs its own line and not the rest of the file.
    """
    alone = split(first)
    if first.count('"') % 2 == 0 or (alone is not None and len(alone) == columns):
        return 1, first, alone
    text = first
    for span in range(2, MAX_RECORD_LINES + 1):
        following = lines.peek(span - 1)
        if following is None:
            break
        text = f"{text}\n{following}"
        if following.count('"') % 2 == 1:
            fields = split(text)
            if fields is not None and len(fields) == columns:
                return span, text, fields
            break
    return 1, first, alone


def read_records(path: Path, columns: int, skipped_lines: int) -> Iterator[Record]:
    """Every record of a plain file after `skipped_lines` physical lines, in order.

    `columns` is the expected number of fields; records with another number are yielded too.
    """
    with path.open("rb") as stream:
        for _ in range(skipped_lines):
            stream.readline()
        lines, number = _Lines(stream), skipped_lines + 1
        while (first := lines.peek(0)) is not None:
            span, text, fields = _assemble(lines, first, columns)
            yield Record(number, span, text, fields)
            lines.drop(span)
            number += span


def texts_of(path: Path, line_numbers: Collection[int]) -> dict[int, str]:
    """The text of these physical lines (counted from 1), without line ends.

    Blocks without a wanted line are only counted, which is an order faster than cutting lines.
    """
    wanted = sorted(set(line_numbers))
    found: dict[int, bytes] = {}
    number, rest = 1, b""
    with path.open("rb") as stream:
        while len(found) < len(wanted) and (block := stream.read(BLOCK)):
            newlines = _count(block, NEWLINE)
            if wanted[len(found)] < number + newlines:
                lines = (rest + block).split(b"\n", newlines)
                for line in wanted[len(found) :]:
                    if line < number + newlines:
                        found[line] = lines[line - number]
            number += newlines
            end = block.rfind(b"\n") + 1
            rest = block[end:] if end else rest + block
    if len(found) < len(wanted) and wanted[len(found)] == number:
        # The last line ends with the file.
        found[number] = rest
    return {line: _decode(text).rstrip("\r\n") for line, text in found.items()}


def _count(block: bytes, value: int) -> int:
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == value))
