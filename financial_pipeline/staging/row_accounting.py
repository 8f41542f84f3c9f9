"""The fate of each physical line of a raw file: staged, quarantined with a reason, or a note."""

from collections.abc import Collection
from typing import Final

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.raw.archive import current_files
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.staging import ROW_ACCOUNTING

TABLE: Final[Table[pl.DataType]] = Table(
    layer="exports",
    name="row_accounting",
    grain="One row per raw file, kind of line and reason.",
    keys=("dataset", "file_name", "file_sha256", "category", "reason"),
    columns=ROW_ACCOUNTING,
)


def read_accounting(paths: Paths, hashes: Collection[str]) -> pl.DataFrame:
    """The accounting rows of the files with these hashes, in ROW_ACCOUNTING form."""
    folder = paths.staging("row_accounting")
    files = [path for name in sorted(hashes) if (path := folder / f"{name}.parquet").exists()]
    if not files:
        return pl.DataFrame(schema=ROW_ACCOUNTING)
    return pl.concat([pl.read_parquet(path) for path in files])


def export(paths: Paths) -> PublishedTable:
    """Write the accounting of every accepted raw file into a new version."""
    files = current_files(paths)
    frame = read_accounting(paths, {file.sha256 for file in files})
    inputs = {file.landed.path.name: file.sha256 for file in files}
    return write_table(paths, TABLE, frame, built_from=inputs)


def by_file(accounting: pl.DataFrame) -> list[dict[str, object]]:
    """One row per file: file, dataset, physical_lines, staged, quarantined, notes, unexplained.

    `quarantined` and `notes` map a reason to its physical lines; `unexplained` is zero for a
    file whose every line is accounted for.
    """
    rows = []
    for (name, _), part in accounting.group_by(["file_name", "file_sha256"], maintain_order=True):
        lines = int(part["file_physical_lines"][0])
        counts = {
            category: dict(
                part.filter(pl.col("category") == category)
                .group_by("reason")
                .agg(pl.col("physical_lines").sum())
                .sort("reason")
                .iter_rows()
            )
            for category in ("staged", "quarantined", "note")
        }
        staged = sum(counts["staged"].values())
        explained = int(part["physical_lines"].sum())
        rows.append(
            {
                "file": name,
                "dataset": part["dataset"][0],
                "physical_lines": lines,
                "staged": staged,
                "quarantined": {k: v for k, v in counts["quarantined"].items() if v},
                "notes": {k: v for k, v in counts["note"].items() if v},
                "unexplained": lines - explained,
            }
        )
    return rows
