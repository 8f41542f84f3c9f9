"""Rejected applications to one partition per application month, with quarantine and accounting."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import LENDING_CLUB_REJECTIONS
from financial_pipeline.settings import Settings
from financial_pipeline.sources.table_parts import are_parts_of_one
from financial_pipeline.staging.accounting import (
    StagingSummary,
    account,
    cut_off,
    refuse_dirty_file,
)
from financial_pipeline.staging.dialect import FAULT_SCHEMA
from financial_pipeline.staging.month_partitions import Holding, MonthTable, write_months
from financial_pipeline.staging.rejection_dialect import (
    MONTH,
    UNKNOWN_STATES,
    digests,
    rejection_dialect,
)
from financial_pipeline.staging.typed_store import TypedFile, forget_others, late_faults, typed_file

DATASET: Final = "lending_club_rejections"


def _on_days(typed: TypedFile, first: date, last: date) -> pl.DataFrame:
    """Line and digest of the rows of these days, which differ within one file."""
    days = pl.col("application_date").is_between(first, last)
    return digests(typed.fragments).filter(days).collect(engine="streaming").sort("line_number")


def _copied_lines(
    file: RawFile, typed: TypedFile, other: RawFile, other_typed: TypedFile
) -> pl.DataFrame:
    """The lines of a file (line_number, reason) that an earlier one contains.

    Raises RefusedFile if both have several days in common and contradict each other there: there
    is no key, so applications would count twice. Two files may meet on one day, and parts of one
    table may on all.
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
    are_parts = are_parts_of_one(file.landed.path, other.landed.path)
    if copies.height == rows.height or are_parts:
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
    late = late_faults(file, copies, typed, settings, rejection_dialect)
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
    typed = [typed_file(paths, file, settings, rejection_dialect) for file in ordered]
    for file, part in zip(ordered, typed, strict=True):
        broken = part.faults()["reason"]
        # A repetition is not a fault of the file.
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
            f"{file.landed.path.name}: {count:,} of its {file.landed.rows_seen:,} applications"
            f" {what}"
            for file, part, lines in judged
            for count, what in (
                (lines.height, "are in another file."),
                (int(part.totals.get(UNKNOWN_STATES, 0)), "have an unknown code of a state."),
            )
            if count
        ),
    )
