"""Loans that several files of one snapshot contain: copies, corrections and their ledger.

A later arrival wins, loan by loan; every value that it changed is a row of the ledger. A null does
not conflict with a value, and neither does another way to write it. Files without ids are compared
by their fingerprints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.partition_files import partition_keys
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.restatements import LOAN_RESTATEMENTS
from financial_pipeline.schemas.staging import LENDING_CLUB_LOANS as LOANS
from financial_pipeline.staging.dialect import FAULT_SCHEMA
from financial_pipeline.staging.loan_keys import (
    POSITION,
    comparable,
    content_columns,
    exact_copies,
    filled_rows,
    less_filled,
    repeated_rows,
    whole_rows,
    with_verdicts,
)

NAME: Final = "loan_restatements"
# Private to staging: rows with values of other files, by snapshot month.
FILLED: Final = ".filled_loans"
LEDGER: Final = dict(LOAN_RESTATEMENTS.columns)


@dataclass(frozen=True)
class AcrossFiles:
    """Rows to leave out (file_sha256, line_number, reason), and the changed values.

    `filled` are whole rows in place of those of their file and line, with values that only other
    files have.
    """

    faults: pl.DataFrame
    ledger: pl.DataFrame
    filled: pl.DataFrame


def compare_files(files: Sequence[tuple[RawFile, Sequence[Path]]]) -> AcrossFiles:
    """Judge the loans that more than one file of a snapshot contains.

    `files` have their fragments, the latest arrival first. Reasons are `duplicate` for a row that
    another file states as fully, and `superseded` for one that a later arrival corrects.
    """
    none = pl.DataFrame(schema={"file_sha256": pl.String(), **FAULT_SCHEMA})
    empty = AcrossFiles(none, pl.DataFrame(schema=LEDGER), pl.DataFrame(schema=LOANS))
    fragments = [path for _, paths in files for path in paths]
    if len(files) < 2 or not fragments:
        return empty
    order = {file.sha256: rank for rank, (file, _) in enumerate(files)}
    rank = pl.col("file_sha256").replace_strict(order)
    rows = repeated_rows(fragments)
    if rows.is_empty():
        return empty
    rows = rows.sort(rank, "line_number")
    copies = exact_copies(rows)
    rest = rows.join(copies, on=POSITION, how="anti", maintain_order="left")
    faults, ledger, filled = [copies], [empty.ledger], [empty.filled]
    for whole in whole_rows(fragments, rest):
        judged = with_verdicts(whole)
        agreeing, changed = (
            judged.filter((pl.col("conflicts") > 0) == is_changed) for is_changed in (False, True)
        )
        older = changed.filter(~pl.col("loan_id").is_first_distinct())
        faults += [less_filled(agreeing), older.select(*POSITION, reason=pl.lit("superseded"))]
        filled.append(filled_rows(judged))
        ledger.append(_changes(changed, {file.sha256: file for file, _ in files}))
    return AcrossFiles(pl.concat(faults), pl.concat(ledger), pl.concat(filled))


def _changes(changed: pl.DataFrame, files: dict[str, RawFile]) -> pl.DataFrame:
    """One ledger row per column that a later row changes; both values are there."""
    newest = pl.col("loan_id").is_first_distinct()
    long = [_by_field(changed.filter(which)) for which in (newest.not_(), newest)]
    both = long[0].join(long[1], on=["loan_id", "field"], suffix="_new")
    arrivals = {sha: file.fetched_at for sha, file in files.items()}
    return (
        both.filter(pl.col("compared") != pl.col("compared_new"))
        .select(
            "loan_id",
            "snapshot_month",
            "field",
            old_value="value",
            new_value="value_new",
            old_file_sha256="file_sha256",
            old_line_number="line_number",
            new_file_sha256="file_sha256_new",
            new_line_number="line_number_new",
            restated_at=pl.col("file_sha256_new").replace_strict(
                arrivals, return_dtype=LEDGER["restated_at"]
            ),
        )
        .sort(LOAN_RESTATEMENTS.keys)
    )


def _by_field(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per whole row and column: its value as text, and the text that is compared."""
    columns = content_columns(rows.drop("rank", "conflicts", "filled"))
    index = ["loan_id", "snapshot_month", *POSITION]
    texts: dict[str, list[pl.Expr]] = {
        "value": [pl.col(columns)],
        "compared": [comparable(name) for name in columns],
    }
    value, compared = (
        rows.select(index)
        .hstack(rows.select(values).select(pl.all().cast(pl.String).name.prefix("v:")))
        .unpivot(pl.selectors.starts_with("v:"), index=index, value_name=name)
        for name, values in texts.items()
    )
    field = pl.col("variable").str.strip_prefix("v:").alias("field")
    return value.with_columns(field, compared["compared"])


def filled_of(paths: Paths, file: RawFile) -> pl.DataFrame:
    """The rows of a file that others of its snapshot filled, as its staging kept them."""
    kept = paths.staging(FILLED) / f"{file.landed.snapshot_date}.parquet"
    rows = pl.read_parquet(kept) if kept.exists() else pl.DataFrame(schema=LOANS)
    return rows.filter(pl.col("file_sha256") == file.sha256)


def ledger(paths: Paths) -> pl.DataFrame:
    """All changed values of all snapshots, in LOAN_RESTATEMENTS form, sorted by key."""
    folder = paths.staging(NAME)
    parts = [pl.read_parquet(folder / f"{key}.parquet") for key in partition_keys(folder)]
    return pl.concat([pl.DataFrame(schema=LEDGER), *parts]).sort(LOAN_RESTATEMENTS.keys)


def export(paths: Paths) -> PublishedTable:
    """Write the ledger into a new version."""
    return write_table(paths, LOAN_RESTATEMENTS, ledger(paths))
