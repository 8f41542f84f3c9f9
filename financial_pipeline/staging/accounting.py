"""Two files per raw file: the rows that were refused, and where every physical line went."""

from collections.abc import Mapping

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import write_partition
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import QUARANTINE, ROW_ACCOUNTING, Schema


def _named(frame: pl.DataFrame, file: RawFile, schema: Schema) -> pl.DataFrame:
    return frame.with_columns(
        dataset=pl.lit(file.landed.dataset),
        file_name=pl.lit(file.landed.path.name),
        file_sha256=pl.lit(file.sha256),
    ).select(pl.col(name).cast(kind) for name, kind in schema.items())


def write_quarantine(paths: Paths, file: RawFile, rows: pl.DataFrame) -> None:
    """Write the quarantine of one raw file, empty or not.

    `rows` has line_number, physical_lines, reason and original_text.
    """
    write_partition(
        _named(rows.sort("line_number"), file, QUARANTINE), paths.staging("quarantine"), file.sha256
    )


def write_accounting(
    paths: Paths,
    file: RawFile,
    *,
    staged: int,
    quarantined: Mapping[str, int],
    notes: Mapping[str, int],
    file_physical_lines: int,
) -> None:
    """Write where the physical lines of one raw file went.

    All counts are physical lines; `file_physical_lines` comes from the bytes of the file.
    """
    counts = [("staged", "staged", staged)]
    counts += [("quarantined", reason, lines) for reason, lines in sorted(quarantined.items())]
    counts += [("note", kind, lines) for kind, lines in sorted(notes.items())]
    rows = pl.DataFrame(
        counts, schema=["category", "reason", "physical_lines"], orient="row"
    ).with_columns(file_physical_lines=pl.lit(file_physical_lines))
    write_partition(
        _named(rows, file, ROW_ACCOUNTING), paths.staging("row_accounting"), file.sha256
    )
