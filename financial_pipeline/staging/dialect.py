"""Dialects: everything needed to read one kind of delimited file into typed month fragments."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import Schema
from financial_pipeline.sources.row_filter import Finding

FAULT_SCHEMA = {"line_number": pl.Int64(), "reason": pl.String()}


def other_header(file: RawFile) -> RefusedFile:
    """The refusal of a file with a second header of other columns, or of another order."""
    return RefusedFile(
        file.sha256,
        f"{file.landed.path} is refused: below its rows is another header, whose columns are others"
        " or in another order, so that the rows after it belong to other names; put each table into"
        " a file of its own.",
    )


class Dialect(ABC):
    """One file of its kind; its typed frames have `row`, `reason` and the contract's columns."""

    columns: Sequence[str]
    header_line: int
    # Columns of the fragments, and the column (a first of month) by which they are split.
    contract: Schema
    month: str
    # All columns that may contain a comma.
    text_columns: Sequence[str] = ()

    @abstractmethod
    def note_kind(self, fields: Sequence[str], header: Sequence[str]) -> str | None:
        """The kind of note that a record is, or None for a row; errors as `other_header`."""

    @abstractmethod
    def fast(self, plain: Path, scratch: Path) -> pl.LazyFrame:
        """The typed rows of a clean file; this or collecting may raise ComputeError.

        `scratch` is a folder that lives until the rows are collected.
        """

    @abstractmethod
    def careful(self, clean: Path, scratch: Path) -> pl.LazyFrame:
        """The typed rows of a filtered file, which has no header and arbitrary values."""

    def is_confirmed(self, fragments: Sequence[Path]) -> bool:
        """Whether the rows of the fast way agree with the assumptions from the first ones."""
        return True

    def finish(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Sound rows with the columns that no expression can make."""
        return rows

    def is_repeated(self, rows: pl.DataFrame) -> pl.Series | None:
        """Find the rows of one fragment that repeat an earlier one; None if rows have a key."""
        return None

    def settle(self, fragments: Mapping[Path, Sequence[str]]) -> pl.DataFrame:
        """Refuse rows that only the whole file shows to be wrong: line_number, reason.

        `fragments` are the written files with the months in each.
        """
        return pl.DataFrame(schema=FAULT_SCHEMA)

    def totals(self, found: Sequence[Finding], fragments: Sequence[Path]) -> dict[str, float]:
        """Sums worth keeping, by name."""
        return {}
