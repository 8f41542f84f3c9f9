"""Rejected applications to one partition per application month, with quarantine and accounting."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import COMPRESSION
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import LENDING_CLUB_REJECTIONS, PROVENANCE
from financial_pipeline.settings import Settings
from financial_pipeline.sources import rejections as source
from financial_pipeline.sources.rejections import RejectionLayout
from financial_pipeline.staging.accounting import (
    StagingSummary,
    account,
    cut_off,
    refuse_dirty_file,
)
from financial_pipeline.staging.dialect import FAULT_SCHEMA, Dialect, other_header
from financial_pipeline.staging.month_partitions import Holding, MonthTable, write_months
from financial_pipeline.staging.typed_store import TypedFile, forget_others, late_faults, typed_file
from financial_pipeline.transforms import lending_club_rejections as transform

DATASET: Final = "lending_club_rejections"
MONTH: Final = "application_month"
FRAGMENT_COLUMNS: Final = {**LENDING_CLUB_REJECTIONS, MONTH: pl.Date()}
CONTENT: Final = pl.struct([name for name in FRAGMENT_COLUMNS if name not in PROVENANCE])


class RejectionDialect(Dialect):
    """One rejections file: its header, and whether its slashed dates start with the month."""

    contract = FRAGMENT_COLUMNS
    month = MONTH
    text_columns = tuple(transform.TEXTS.values())

    def __init__(self, layout: RejectionLayout, file: RawFile, settings: Settings) -> None:
        self.columns = layout.columns
        self.header_line = layout.header_line
        # No amount begins with a letter, but its name does.
        self._amount = layout.columns.index(source.REQUIRED[0])
        self._layout = layout
        self._file = file
        self._first = settings.first_application_month

    def note_kind(self, fields: Sequence[str], header: Sequence[str]) -> str | None:
        """The kind of note that a record is, or None; errors as `other_header`."""
        kind = source.note_kind(fields, self._layout.header_fields)
        if kind or len(fields) <= self._amount or not fields[self._amount].strip()[:1].isalpha():
            return kind
        names = source.column_names(fields)
        if not {*source.REQUIRED} <= {*names}:
            return None
        if names != self.columns:
            raise other_header(self._file)
        return "repeated_header"

    def fast(self, plain: Path, scratch: Path) -> pl.LazyFrame:
        """The typed rows below the header."""
        return self._typed(plain, self._layout)

    def careful(self, clean: Path, scratch: Path) -> pl.LazyFrame:
        """The typed rows of a file without header."""
        return self._typed(clean, replace(self._layout, header_line=0))

    def is_repeated(self, rows: pl.DataFrame) -> pl.Series:
        """Without a key, rows that are alike would count twice if a file is appended to itself."""
        return ~rows.select(CONTENT.hash()).to_series().is_first_distinct()

    def settle(self, fragments: Mapping[Path, Sequence[str]]) -> pl.DataFrame:
        """Refuse repetitions of a row across the fragments of one month."""
        places = Counter(month for months in fragments.values() for month in months)
        shared = [
            path for path, months in fragments.items() if any(places[month] > 1 for month in months)
        ]
        digests = _digests(shared).select("digest").collect(engine="streaming")["digest"].sort()
        repeated = digests.filter(digests == digests.shift(1)).unique()
        found = _digests(shared).filter(pl.col("digest").is_in(repeated.implode()))
        rows = found.collect(engine="streaming").sort("line_number")
        faults = rows.filter(~pl.col("digest").is_first_distinct())
        for path in shared if faults.height else ():
            part = pl.read_parquet(path)
            kept = part.join(faults, on="line_number", how="anti", maintain_order="left")
            if kept.height < part.height:
                kept.write_parquet(path, compression=COMPRESSION, statistics=False)
        return faults.select("line_number", reason=pl.lit("duplicate"))

    def _typed(self, path: Path, layout: RejectionLayout) -> pl.LazyFrame:
        raw = source.scan(path, layout)
        try:
            factor = transform.dti_factor(raw)
        except ValueError as error:
            raise RefusedFile(
                self._file.sha256,
                f"{self._file.landed.path} is refused: {error}; the column is in another unit:"
                " export it in dollars and per cent as Lending Club does.",
            ) from error
        return transform.type_rejections(
            raw,
            month_first=self._file.landed.form == source.MONTH_FIRST,
            first_application_month=self._first,
            last_application_date=self._file.landed.last_date,
            dti_factor=factor,
        )


def _dialect(file: RawFile, plain: Path, settings: Settings) -> RejectionDialect:
    return RejectionDialect(source.find_layout(plain), file, settings)


def _digests(fragments: Sequence[Path]) -> pl.LazyFrame:
    """Line and date of each row, and a digest of its content."""
    if not fragments:
        schema = {"line_number": pl.Int64(), "application_date": pl.Date(), "digest": pl.UInt64()}
        return pl.LazyFrame(schema=schema)
    rows = pl.scan_parquet(list(fragments))
    return rows.select("line_number", "application_date", digest=CONTENT.hash())


def _on_days(typed: TypedFile, first: date, last: date) -> pl.DataFrame:
    """Line and digest of the rows of these days, which differ within one file."""
    days = pl.col("application_date").is_between(first, last)
    return _digests(typed.fragments).filter(days).collect(engine="streaming").sort("line_number")


def _copied_lines(
    file: RawFile, typed: TypedFile, other: RawFile, other_typed: TypedFile
) -> pl.DataFrame:
    """The lines of a file (line_number, reason) that an earlier one contains.

    Raises RefusedFile if both have several days in common and contradict each other there: there
    is no key, so applications would count twice. Two files may meet on one day.
    """
    first = max(file.landed.first_date, other.landed.first_date)
    last = min(file.landed.last_date, other.landed.last_date)
    none = pl.DataFrame(schema=FAULT_SCHEMA)
    meets_on_one_day = first == last and file.landed.first_date < file.landed.last_date
    if first > last or meets_on_one_day:
        return none
    rows = _on_days(typed, first, last)
    known = _on_days(other_typed, first, last)
    copies = rows.join(known, on="digest", how="semi")
    if copies.height == rows.height:
        return copies.select("line_number", reason=pl.lit("duplicate")).sort("line_number")
    if first == last:
        return none
    raise RefusedFile(
        file.sha256,
        f"{file.landed.path} and {other.landed.path} both contain applications of {first} to"
        f" {last}, and {rows.height - copies.height:,} of the {rows.height:,} differ, which would"
        " count twice; keep one of the two files.",
    )


def _account(
    paths: Paths, file: RawFile, typed: TypedFile, copies: pl.DataFrame, settings: Settings
) -> int:
    late = late_faults(file, copies, typed, settings, _dialect)
    faults = pl.concat([typed.faults(), late])
    account(
        paths,
        file,
        faults,
        staged=typed.staged_lines - int(late["physical_lines"].sum()),
        notes=typed.notes,
        file_physical_lines=typed.file_physical_lines,
    )
    return faults.height


def _holding(typed: TypedFile, copies: pl.DataFrame) -> Holding:
    rows = pl.scan_parquet(typed.fragments).select(MONTH, "line_number").collect()
    kept = rows.join(copies, on="line_number", how="anti")
    counts, before = (
        {str(month): count for month, count in part.group_by(MONTH).len().iter_rows()}
        for part in (kept, rows)
    )
    whole = frozenset(month for month, count in counts.items() if count == before[month])
    return Holding(typed, counts, whole, kept.select("line_number"))


def _copies(files: Sequence[RawFile], typed: Sequence[TypedFile]) -> list[pl.DataFrame]:
    """For each file, its lines that an earlier one contains; errors as `_copied_lines`."""
    pairs = list(zip(files, typed, strict=True))
    return [
        pl.concat(
            [
                pl.DataFrame(schema=FAULT_SCHEMA),
                *(_copied_lines(*pair, *other) for other in pairs[:place]),
            ]
        ).unique("line_number", maintain_order=True)
        for place, pair in enumerate(pairs)
    ]


def stage_rejections(
    paths: Paths, files: Sequence[RawFile], first: date, last: date, settings: Settings
) -> StagingSummary:
    """Write the applications of every month from `first` to `last`, an empty file for none.

    Raises RefusedFile for a file with too many broken rows and for one that contradicts the days
    of another.
    """
    forget_others(paths, DATASET, {file.sha256 for file in files})
    ordered = sorted(files, key=lambda file: file.landed.first_date)
    typed = [typed_file(paths, file, settings, _dialect) for file in ordered]
    for file, part in zip(ordered, typed, strict=True):
        broken = part.faults()["reason"]
        # A repetition is no fault of the file.
        broken = broken.filter(broken != "duplicate")
        refuse_dirty_file(file, Counter(broken), part.rows, settings)
    copies = _copies(ordered, typed)
    judged = list(zip(ordered, typed, copies, strict=True))
    quarantined = [_account(paths, *item, settings) for item in judged]
    table = MonthTable(paths.staging(DATASET), LENDING_CLUB_REJECTIONS, MONTH)
    holdings = [_holding(part, lines) for _, part, lines in judged if part.months]
    partitions = write_months(table, holdings, first, last)
    return StagingSummary(
        rows=sum(partitions.values()),
        quarantined=sum(quarantined),
        partitions=partitions,
        files=len(files),
        newest_event=max((file.landed.last_date for file in files), default=None),
        warnings=tuple(text for file, part, _ in judged for text in cut_off(file, part.records)),
        remarks=tuple(
            f"{file.landed.path.name}: {lines.height:,} of its {file.landed.rows_seen:,}"
            " applications are in another file."
            for file, _, lines in judged
            if lines.height
        ),
    )
