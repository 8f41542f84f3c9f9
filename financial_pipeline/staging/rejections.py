"""Rejected applications to one partition per application month, with quarantine and accounting."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import LENDING_CLUB_REJECTIONS
from financial_pipeline.settings import Settings
from financial_pipeline.sources import rejections as source
from financial_pipeline.sources.rejections import RejectionLayout
from financial_pipeline.staging.accounting import StagingSummary, account, refuse_dirty_file
from financial_pipeline.staging.dialect import Dialect
from financial_pipeline.staging.month_partitions import Holding, MonthTable, write_months
from financial_pipeline.staging.typed_store import TypedFile, forget_others, typed_file
from financial_pipeline.transforms import lending_club_rejections as transform

DATASET: Final = "lending_club_rejections"
MONTH: Final = "application_month"
FRAGMENT_COLUMNS: Final = {**LENDING_CLUB_REJECTIONS, MONTH: pl.Date()}


class RejectionDialect(Dialect):
    """One rejections file: its header, and whether its slashed dates start with the month."""

    contract = FRAGMENT_COLUMNS
    month = MONTH
    text_columns = tuple(transform.TEXTS.values())

    def __init__(self, layout: RejectionLayout, month_first: bool, settings: Settings) -> None:
        self.columns = layout.columns
        self.header_line = layout.header_line
        self._layout = layout
        self._month_first = month_first
        self._first = settings.first_application_month

    def note_kind(self, fields: Sequence[str], header: Sequence[str]) -> str | None:
        """The kind of note that a record is, or None."""
        return source.note_kind(fields, header)

    def fast(self, plain: Path, scratch: Path) -> pl.LazyFrame:
        """The typed rows below the header."""
        return self._typed(plain, self._layout)

    def careful(self, clean: Path, scratch: Path) -> pl.LazyFrame:
        """The typed rows of a file without header."""
        return self._typed(clean, replace(self._layout, header_line=0))

    def _typed(self, path: Path, layout: RejectionLayout) -> pl.LazyFrame:
        return transform.type_rejections(
            source.scan(path, layout),
            month_first=self._month_first,
            first_application_month=self._first,
        )


def _dialect(file: RawFile, plain: Path, settings: Settings) -> RejectionDialect:
    month_first = file.landed.form == source.MONTH_FIRST
    return RejectionDialect(source.find_layout(plain), month_first, settings)


def _refuse_overlap(files: Sequence[RawFile]) -> None:
    """Without a key, days that two files contain would count twice."""
    for one, other in pairwise(sorted(files, key=lambda file: file.landed.first_date)):
        if other.landed.first_date < one.landed.last_date:
            raise RefusedFile(
                other.sha256,
                f"{other.landed.path} and {one.landed.path} both contain applications of"
                f" {other.landed.first_date} and later, which would count twice; keep one of the"
                " two files.",
            )


def _account(paths: Paths, file: RawFile, typed: TypedFile) -> int:
    faults = typed.faults()
    account(
        paths,
        file,
        faults,
        staged=typed.staged_lines,
        notes=typed.notes,
        file_physical_lines=typed.file_physical_lines,
    )
    return faults.height


def _holding(typed: TypedFile) -> Holding:
    months = pl.scan_parquet(typed.fragments).group_by(MONTH).len().collect(engine="streaming")
    counts = {str(month): rows for month, rows in months.iter_rows()}
    nothing = pl.DataFrame(schema={"line_number": pl.Int64()})
    return Holding(typed, counts, frozenset(counts), nothing)


def stage_rejections(
    paths: Paths, files: Sequence[RawFile], first: date, last: date, settings: Settings
) -> StagingSummary:
    """Write the applications of every month from `first` to `last`, an empty file for none.

    Raises RefusedFile for a file with too many broken rows and for files whose days overlap.
    """
    _refuse_overlap(files)
    forget_others(paths, DATASET, {file.sha256 for file in files})
    ordered = sorted(files, key=lambda file: file.landed.first_date)
    typed = [typed_file(paths, file, settings, _dialect) for file in ordered]
    for file, part in zip(ordered, typed, strict=True):
        refuse_dirty_file(file, Counter(part.faults()["reason"]), part.rows, settings)
    quarantined = [_account(paths, file, part) for file, part in zip(ordered, typed, strict=True)]
    table = MonthTable(paths.staging(DATASET), LENDING_CLUB_REJECTIONS, MONTH)
    partitions = write_months(table, [_holding(part) for part in typed if part.months], first, last)
    return StagingSummary(
        rows=sum(partitions.values()),
        quarantined=sum(quarantined),
        partitions=partitions,
        files=len(files),
        newest_event=max((file.landed.last_date for file in files), default=None),
    )
