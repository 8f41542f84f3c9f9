"""Natural keys of loans: repeated ids within a file and across the files of one snapshot."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from financial_pipeline.publishing.partition_files import COMPRESSION
from financial_pipeline.staging.dialect import FAULT_SCHEMA

# The position of a row, as opposed to its content.
POSITION = ("file_sha256", "line_number")


def _repeated_rows(fragments: Sequence[Path]) -> pl.DataFrame:
    """Id, position and a digest of all values of every row whose id occurs more than once."""
    rows = pl.scan_parquet(list(fragments))
    # Digests of ids take a third of the memory; equal digests only mean a closer look.
    digests = rows.select(pl.col("loan_id").hash()).collect(engine="streaming")["loan_id"].sort()
    suspects = digests.filter(digests == digests.shift(1)).unique()
    values = pl.struct(pl.exclude("loan_id", *POSITION)).hash().alias("content")
    return (
        rows.filter(pl.col("loan_id").hash().is_in(suspects.implode()))
        .select("loan_id", *POSITION, values)
        .sort("line_number")
        .collect(engine="streaming")
    )


def _faults(rows: pl.DataFrame) -> pl.DataFrame:
    """Which rows of repeated ids to refuse; `rows` are in order of precedence.

    Rows that agree in everything keep the first one; rows that do not are all refused.
    """
    conflicts = pl.col("content").n_unique().over("loan_id") > 1
    reason = pl.when(conflicts).then(pl.lit("conflicting_id")).otherwise(pl.lit("duplicate"))
    judged = rows.with_columns(reason=reason, is_first=pl.col("loan_id").is_first_distinct())
    refused = ~pl.col("is_first") | (pl.col("reason") == "conflicting_id")
    return judged.filter(refused).select(*POSITION, "reason")


def _rewrite(fragments: Sequence[Path], changed: pl.DataFrame) -> None:
    """Rewrite the fragments that contain changed lines; a null `loan_id` removes the row."""
    for path in fragments:
        lines = pl.read_parquet(path, columns=["line_number"])
        if lines.join(changed, on="line_number", how="semi").is_empty():
            continue
        rows = pl.read_parquet(path)
        kept = rows.update(changed, on="line_number", include_nulls=True)
        kept.filter(pl.col("loan_id").is_not_null()).write_parquet(path, compression=COMPRESSION)


def settle_repeated_ids(fragments: Sequence[Path], has_ids: bool) -> pl.DataFrame:
    """Make `loan_id` unique within one file, rewriting fragments if needed.

    With upstream ids the rows to refuse are removed and returned (line_number, reason); without
    ids, equal fingerprints are numbered in file order and nothing is refused.
    """
    rows = _repeated_rows(fragments) if fragments else pl.DataFrame()
    if rows.is_empty():
        return pl.DataFrame(schema=FAULT_SCHEMA)
    if has_ids:
        faults = _faults(rows).select("line_number", "reason")
        _rewrite(fragments, faults.select("line_number", loan_id=pl.lit(None, dtype=pl.String)))
        return faults
    number = pl.col("line_number").rank("ordinal").over("loan_id")
    numbered = pl.format("{}-{}", pl.col("loan_id").str.strip_suffix("-1"), number)
    _rewrite(fragments, rows.select("line_number", loan_id=numbered))
    return pl.DataFrame(schema=FAULT_SCHEMA)


def faults_across_files(files: Sequence[Sequence[Path]]) -> pl.DataFrame:
    """Rows to refuse because another file of the same snapshot contains the same id.

    `files` are the fragments of each file in order of precedence. Columns: file_sha256,
    line_number, reason. Columns that a file lacks are null there and count as a difference.
    """
    empty = pl.DataFrame(schema={"file_sha256": pl.String(), **FAULT_SCHEMA})
    if len(files) < 2:
        return empty
    rows = _repeated_rows([path for fragments in files for path in fragments])
    if rows.is_empty():
        return empty
    order = {
        pl.read_parquet(fragments[0], columns=["file_sha256"], n_rows=1).item(): rank
        for rank, fragments in enumerate(files)
        if fragments
    }
    rank = pl.col("file_sha256").replace_strict(order)
    return _faults(rows.sort(rank, "line_number"))
