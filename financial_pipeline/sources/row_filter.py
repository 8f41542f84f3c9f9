"""Separate the records of a delimited file: whole ones to a clean copy, the others apart.

For files that Polars cannot read or would read wrongly: ragged lines, quoted newlines, text where
numbers belong. Python reads them record by record and no line is lost.
"""

import csv
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from financial_pipeline.sources.physical_lines import read_records

NoteKind = Callable[[Sequence[str], Sequence[str]], str | None]


@dataclass(frozen=True)
class Finding:
    """A record that is no row: its position, its kind, and its text."""

    line_number: int
    physical_lines: int
    is_note: bool
    reason: str
    text: str


@dataclass
class FilteredRows:
    """First physical line and lines spanned of each row of the clean copy, and the rest."""

    line_numbers: "array[int]" = field(default_factory=lambda: array("q"))
    spans: "array[int]" = field(default_factory=lambda: array("q"))
    findings: list[Finding] = field(default_factory=list)


def classify(
    fields: Sequence[str] | None, header: Sequence[str], note_kind: NoteKind
) -> tuple[bool, str] | None:
    """Whether a record is a note and of which kind, or which structural rule it breaks.

    None for a record with the right number of fields, some of them filled.
    """
    if fields is None:
        return False, "unclosed_quote"
    kind = note_kind(fields, header)
    if kind:
        return True, kind
    if not any(value.strip() for value in fields):
        return False, "empty_row"
    if len(fields) == len(header):
        return None
    return False, "too_few_fields" if len(fields) < len(header) else "too_many_fields"


def filter_rows(
    plain: Path, header: Sequence[str], header_line: int, note_kind: NoteKind, clean: Path
) -> FilteredRows:
    """Write the whole records below the header to `clean`, without a header, and list the rest."""
    filtered = FilteredRows()
    with clean.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for record in read_records(plain, len(header), header_line):
            verdict = classify(record.fields, header, note_kind)
            if verdict is None and record.fields is not None:
                writer.writerow(record.fields)
                filtered.line_numbers.append(record.line_number)
                filtered.spans.append(record.physical_lines)
            elif verdict is not None:
                filtered.findings.append(
                    Finding(record.line_number, record.physical_lines, *verdict, record.text)
                )
    return filtered
