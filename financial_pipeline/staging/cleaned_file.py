"""What a cleaned price or macro file leaves behind: provenance on its rows, and its accounting."""

from collections.abc import Mapping

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.staging.accounting import write_accounting, write_quarantine
from financial_pipeline.transforms.verdicts import Cleaned


def age(file: RawFile) -> tuple[object, ...]:
    """Sort key of files of one dataset, oldest first: what they reach to, then their arrival."""
    return file.landed.last_date, file.fetched_at, file.sha256


def with_provenance(rows: pl.DataFrame, file: RawFile) -> pl.DataFrame:
    """Add the columns that say where rows came from; `line_number` is there already."""
    return rows.with_columns(
        source=pl.lit(file.source),
        is_synthetic=pl.lit(file.is_synthetic),
        file_sha256=pl.lit(file.sha256),
    )


def account(
    paths: Paths, file: RawFile, cleaned: Cleaned, notes: Mapping[str, int], physical_lines: int
) -> None:
    """Write quarantine and accounting of one file; `notes` are those that its reader counted."""
    write_quarantine(paths, file, cleaned.quarantined)
    by_reason = cleaned.quarantined.group_by("reason").agg(pl.col("physical_lines").sum())
    write_accounting(
        paths,
        file,
        staged=cleaned.staged_lines,
        quarantined=dict(by_reason.iter_rows()),
        notes={**notes, **cleaned.notes},
        file_physical_lines=physical_lines,
    )


def reasons(cleaned: Cleaned) -> str:
    """The commonest reasons of a file's quarantine, for a message: `no_session 12, conflict 2`."""
    counts = cleaned.quarantined.group_by("reason").len().sort("len", "reason", descending=True)
    return ", ".join(f"{reason} {count}" for reason, count in counts.head(3).iter_rows())
