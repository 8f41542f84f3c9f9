"""Accounting of raw files: quarantine, physical lines, provenance and the numbers of an asset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import write_partition
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import QUARANTINE, ROW_ACCOUNTING, Schema
from financial_pipeline.settings import Settings
from financial_pipeline.transforms.verdicts import Cleaned

# Rows of a sheet, in the old form and today: a spreadsheet drops what is below.
SHEET_ROWS: Final = (65_536, 1_048_576)


@dataclass(frozen=True)
class StagingSummary:
    """Rows written and quarantined, rows per partition key, raw files read, newest event.

    `remarks` name reconciled totals, `warnings` findings that a person should check.
    """

    rows: int
    quarantined: int
    partitions: dict[str, int]
    files: int
    newest_event: date | None
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    # Partition key -> what is wrong with that partition, in one sentence.
    faults: Mapping[str, str] = field(default_factory=dict)
    # Content hash -> why that file was left out, in one sentence.
    refused: Mapping[str, str] = field(default_factory=dict)


def refuse_dirty_file(
    file: RawFile, refused: Mapping[str, int], sound: int, settings: Settings
) -> None:
    """Raise RefusedFile if the share of refused rows is above the limit.

    `refused` maps a reason to its rows; `sound` counts the rows that broke no rule.
    """
    broken = sum(refused.values())
    total = broken + sound
    if total and broken <= settings.max_quarantine_share * total:
        return
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(refused.items()))
    raise RefusedFile(
        file.sha256,
        f"{file.landed.path} is refused: {broken:,} of its {total:,} rows break a rule"
        f" ({reasons or 'no rows at all'}), more than the {settings.max_quarantine_share:.1%} that"
        " may; nothing of it is used: repair or replace the file.",
    )


def age(file: RawFile) -> tuple[object, ...]:
    """Return the sort key of files, oldest first: their arrival, then their last date."""
    return file.fetched_at, file.landed.last_date, file.sha256


def cut_off(file: RawFile, records: int) -> list[str]:
    """A sentence about a file with as many records, its header included, as a sheet has rows."""
    if records not in SHEET_ROWS:
        return []
    return [
        f"{file.landed.path.name}: it has exactly {records:,} rows, as many as a spreadsheet keeps;"
        " the others were probably lost there: use the original file."
    ]


def with_provenance(rows: pl.DataFrame, file: RawFile) -> pl.DataFrame:
    """Add the provenance columns to rows that have `line_number`."""
    return rows.with_columns(
        source=pl.lit(file.source),
        is_synthetic=pl.lit(file.is_synthetic),
        file_sha256=pl.lit(file.sha256),
    )


def _with_file(frame: pl.DataFrame, file: RawFile, schema: Schema) -> pl.DataFrame:
    return frame.with_columns(
        dataset=pl.lit(file.landed.dataset),
        file_name=pl.lit(file.landed.path.name),
        file_sha256=pl.lit(file.sha256),
    ).select(pl.col(name).cast(kind) for name, kind in schema.items())


def account(
    paths: Paths,
    file: RawFile,
    refused: pl.DataFrame,
    *,
    staged: int,
    notes: Mapping[str, int],
    file_physical_lines: int,
) -> None:
    """Write the quarantine of one raw file, empty or not, and the count of its physical lines.

    `refused` has line_number, physical_lines, reason and original_text. `file_physical_lines` is
    counted from the bytes of the file.
    """
    refused = refused.sort("line_number")
    quarantine = _with_file(refused, file, QUARANTINE)
    write_partition(quarantine, paths.staging("quarantine"), file.sha256)
    by_reason = refused.group_by("reason").agg(pl.col("physical_lines").sum()).sort("reason")
    counts = [("staged", "staged", staged)]
    counts += [("quarantined", reason, lines) for reason, lines in by_reason.iter_rows()]
    counts += [("note", kind, lines) for kind, lines in sorted(notes.items())]
    rows = pl.DataFrame(
        counts, schema=["category", "reason", "physical_lines"], orient="row"
    ).with_columns(file_physical_lines=pl.lit(file_physical_lines))
    accounting = _with_file(rows, file, ROW_ACCOUNTING)
    write_partition(accounting, paths.staging("row_accounting"), file.sha256)


def is_accounted(paths: Paths, file: RawFile) -> bool:
    """Whether quarantine and accounting of a file exist, under the name of this one."""
    known = paths.staging("row_accounting") / f"{file.sha256}.parquet"
    if not known.exists() or not (paths.staging("quarantine") / known.name).exists():
        return False
    names = pl.read_parquet(known, columns=["file_name"])["file_name"]
    return names.first() == file.landed.path.name


def reasons(cleaned: Cleaned) -> str:
    """Return the most frequent reasons of a quarantine: `no_session 12, conflict 2`."""
    counts = cleaned.quarantined.group_by("reason").len().sort("len", "reason", descending=True)
    return ", ".join(f"{reason} {count}" for reason, count in counts.head(3).iter_rows())
