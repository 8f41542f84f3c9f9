"""The header of a Lending Club loan file: known names, older names, and columns that users added.

Upper case, blanks, quotes and the separators of data frames change no name. Columns that upstream
does not have are ignored, absent optional columns are null, and both are remarks. Only the columns
that identity, outcome and the definitions need are required.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas.lending_club import LOAN_COLUMNS
from financial_pipeline.schemas.loan_rules import FINGERPRINT_COLUMNS
from financial_pipeline.sources.compression import first_lines
from financial_pipeline.sources.physical_lines import split

HEADER_MARKS: Final = frozenset({"loan_amnt", "term", "int_rate"})
# Columns of upstream that no other table has so many of.
MANY_COLUMNS: Final = 12
# The header is looked for in this many lines.
PREAMBLE_LINES: Final = 20
# Lines below the header that show whether rows are wider than it.
SHAPE_LINES: Final = 20
REQUIRED_COLUMNS: Final = frozenset(
    """
    loan_amnt funded_amnt term int_rate installment grade sub_grade issue_d loan_status out_prncp
    total_pymnt total_rec_prncp total_rec_int total_rec_late_fee recoveries
    collection_recovery_fee last_pymnt_d
    """.split()
)
# Names of older downloads, and the name of the same column today.
ALIASES: Final = {
    "open_il_6m": "open_act_il",
    "verified_status_joint": "verification_status_joint",
    "is_inc_v": "verification_status",
}
# Prefix of the name of a column that is not one of upstream's; its position follows.
IGNORED: Final = "ignored_"
SEPARATORS: Final = re.compile(r"[\s._\-]+")
# `LoanAmnt` and `loan amnt` are upstream's names too.
NAMES: Final = {name.replace("_", ""): name for name in (*LOAN_COLUMNS, *ALIASES)}
SHOWN_NAMES: Final = 8


@dataclass(frozen=True)
class LoanLayout:
    """The header of a loan file and the physical line (from 1) of that header.

    `columns` has one name per field of a row; `ignored` and `renamed` are as the file writes them.
    """

    columns: tuple[str, ...]
    header_line: int
    header_text: str
    ignored: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()

    @property
    def known(self) -> list[str]:
        """The upstream columns that the file has."""
        return [name for name in self.columns if not name.startswith(IGNORED)]

    @property
    def header_fields(self) -> list[str]:
        """The header as the file writes it."""
        return [field.strip() for field in split(self.header_text) or []]

    def remarks(self) -> list[str]:
        """A phrase for older names, for ignored columns, and for absent columns."""
        absent = [name for name in LOAN_COLUMNS if name not in self.columns]
        found = [f"{theirs} is read as {ours}" for theirs, ours in self.renamed]
        if self.ignored:
            found.append(f"ignored: {_list_names(self.ignored)}")
        if absent:
            found.append(f"absent and null: {_list_names(absent)}")
        return found


def _list_names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN_NAMES])
    more = len(names) - SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def column_name(text: str) -> str:
    """A header field in upstream's spelling: `Loan.Amnt ` and `LoanAmnt` are `loan_amnt`."""
    name = _normalize_name(text)
    return ALIASES.get(name, name)


def _normalize_name(text: str) -> str:
    """A header field as upstream spells it, older names included."""
    name = SEPARATORS.sub("", text.strip().lower())
    return NAMES.get(name, name)


def _without_table(fields: list[str]) -> list[str]:
    """The header without the name of a table, which Hive writes in front of every column."""
    tables = {field.partition(".")[0] for field in fields}
    if len(tables) > 1 or not all("." in field for field in fields):
        return fields
    return [field.partition(".")[2] for field in fields]


def _is_header(fields: Sequence[str]) -> bool:
    names = {column_name(field) for field in fields}
    return names >= HEADER_MARKS or len(names & {*LOAN_COLUMNS}) >= MANY_COLUMNS


def matches(lines: Sequence[str]) -> bool:
    """Whether these first lines contain the header of a loan file, whatever its delimiter."""
    cut = (re.split(r'[,;\t|"]+', line) for line in lines)
    return any(_is_header(_without_table([f for f in fields if f])) for fields in cut)


def widen_header(fields: list[str], lines: Sequence[str]) -> list[str]:
    """The header with an empty name where every row has one field more than it.

    R writes row numbers under no name; some tools end each row with a comma.
    """
    rows = [row for line in lines if len(row := split(line) or []) > 1]
    if not rows or any(len(row) != len(fields) + 1 for row in rows):
        return fields
    numbers = [row[0].strip() for row in rows]
    start = int(numbers[0]) if numbers[0].isdigit() else -1
    if start in (0, 1) and numbers == [str(start + at) for at in range(len(rows))]:
        return ["", *fields]
    return [*fields, ""] if all(not row[-1].strip() for row in rows) else fields


def header_names(fields: Sequence[str]) -> tuple[str, ...] | None:
    """Our names of the columns that a record names, or None for a record that is no header."""
    names = _without_table([field.strip() for field in fields])
    return _columns(names) if _is_header(names) else None


def find_layout(path: Path) -> LoanLayout:
    """The header of a loan file; raises PipelineError naming what is missing or repeated."""
    lines = first_lines(path, PREAMBLE_LINES + SHAPE_LINES)
    for number, line in enumerate(lines[:PREAMBLE_LINES], start=1):
        fields = _without_table([field.strip() for field in split(line) or []])
        if _is_header(fields):
            fields = widen_header(fields, lines[number:])
            columns = _columns(fields)
            _refuse_unusable(path, columns)
            return LoanLayout(
                columns=columns,
                header_line=number,
                header_text=line,
                ignored=tuple(
                    field
                    for field, name in zip(fields, columns, strict=True)
                    if name.startswith(IGNORED) and field
                ),
                renamed=tuple(
                    (field, name)
                    for field, name in zip(fields, columns, strict=True)
                    if _normalize_name(field) in ALIASES and name in LOAN_COLUMNS
                ),
            )
    raise PipelineError(
        f"{path} looks like a Lending Club loan file, but its header is not comma-separated;"
        " save it as CSV with commas and double quotes."
    )


def _columns(fields: Sequence[str]) -> tuple[str, ...]:
    """Our names; an older name is ignored next to today's."""
    exact = {_normalize_name(field) for field in fields}
    names = []
    for at, field in enumerate(fields):
        name = column_name(field)
        is_second = name in exact and _normalize_name(field) != name
        names.append(name if name in LOAN_COLUMNS and not is_second else f"{IGNORED}{at}")
    return tuple(names)


def _refuse_unusable(path: Path, columns: Sequence[str]) -> None:
    required = REQUIRED_COLUMNS if "id" in columns else REQUIRED_COLUMNS | {*FINGERPRINT_COLUMNS}
    missing = sorted(required - set(columns))
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise PipelineError(
            f"{path} has a header that names columns twice ({_list_names(repeated)}); remove or"
            " rename the copies."
        )
    if missing:
        need = "identity, outcome and the definitions of default and loss need"
        raise PipelineError(
            f"{path} is a Lending Club loan file without columns that {need}; missing:"
            f" {', '.join(map(repr, missing))}; export the file with them."
        )
