"""Natural keys of loans: repeated ids within a file, and how repeated rows are judged."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.publishing.partition_files import COMPRESSION
from financial_pipeline.schemas.lending_club import (
    CLASS_I,
    CLASS_O,
    CLASS_P,
    REAL_COLUMNS,
    TEXT_COLUMNS,
)
from financial_pipeline.schemas.loan_rules import PERCENT_COLUMNS
from financial_pipeline.schemas.staging import LENDING_CLUB_LOANS, PROVENANCE
from financial_pipeline.sources.loan_text import CODED
from financial_pipeline.staging.dialect import FAULT_SCHEMA

# The position of a row, as opposed to its content.
POSITION: Final = ("file_sha256", "line_number")
# Columns that do not describe the loan: keys, the origin of the row, the spelling of the id, and a
# flag that follows from another column.
NO_CONTENT: Final = ("loan_id", "id", "emp_length_missing", *PROVENANCE)
# Decimals of dollars, and of per cent and rates: files write more or fewer of the same value.
CENTS: Final = 2
RATE_DECIMALS: Final = 6
# Columns that later snapshots never end.
LASTING: Final = CLASS_O | CLASS_P | CLASS_I
# Whole rows of 155 columns that are compared at once.
COMPARED_ROWS: Final = 100_000


def content_columns(rows: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """The columns that state something about the loan."""
    return [name for name in rows.collect_schema() if name not in NO_CONTENT]


def comparable(column: str) -> pl.Expr:
    """A value without differences of spelling between files: decimals, the case of codes, `.0` of
    ids.

    `INDIVIDUAL` and `JOINT` are the older words for `Individual` and `Joint App`.
    """
    value = pl.col(column)
    if column in REAL_COLUMNS:
        # Adding nothing turns the negative zero that rounding may leave into zero.
        return value.round(RATE_DECIMALS if column in PERCENT_COLUMNS else CENTS) + 0.0
    if column == "member_id":
        return value.str.replace(r"\.0+$", "")
    if column in CODED and column in TEXT_COLUMNS:
        return value.str.to_lowercase().str.replace("^joint app$", "joint")
    return value


def repeated_rows(fragments: Sequence[Path]) -> pl.DataFrame:
    """Id, position and a digest of all values of every row whose id occurs more than once."""
    rows = pl.scan_parquet(list(fragments))
    # Digests of ids take a third of the memory; if digests are equal, the ids are compared.
    digests = rows.select(pl.col("loan_id").hash()).collect(engine="streaming")["loan_id"].sort()
    suspects = digests.filter(digests == digests.shift(1)).unique()
    values = pl.struct(content_columns(rows)).hash().alias("content")
    return (
        rows.filter(pl.col("loan_id").hash().is_in(suspects.implode()))
        .select("loan_id", *POSITION, values)
        .sort("line_number")
        .collect(engine="streaming")
    )


def whole_rows(fragments: Sequence[Path], rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The whole rows of ids whose digests differ, all rows of an id in one frame.

    `rows` are in order of precedence, and so is each frame; it has that order as `rank`.
    """
    differ = pl.col("content").n_unique().over("loan_id") > 1
    ranked = rows.with_row_index("rank").filter(differ).select("rank", *POSITION, "loan_id")
    ids = ranked["loan_id"].unique(maintain_order=True)
    step = max(1, COMPARED_ROWS * max(1, ids.len()) // max(1, ranked.height))
    for start in range(0, ids.len(), step):
        part = ranked.filter(pl.col("loan_id").is_in(ids.slice(start, step).implode()))
        places = part.drop("loan_id").lazy()
        found = pl.scan_parquet(list(fragments)).join(places, on=POSITION)
        yield found.collect(engine="streaming").sort("rank")


def with_verdicts(whole: pl.DataFrame) -> pl.DataFrame:
    """Whole rows with `conflicts` (values of the id that differ, nulls left out) and `filled`."""
    columns = content_columns(whole.drop("rank"))
    conflicts = pl.sum_horizontal(
        (comparable(name).drop_nulls().n_unique() > 1).over("loan_id") for name in columns
    )
    filled = pl.sum_horizontal(pl.col(columns).is_not_null())
    return whole.with_columns(conflicts=conflicts, filled=filled)


def filled_rows(judged: pl.DataFrame) -> pl.DataFrame:
    """The rows that are kept of ids with several, if others state what is null there.

    A row of conflicts is kept for its rank, another for its values. The newest value counts, of
    columns that are known at origination: later ones, such as the next payment, may end.
    """
    columns = [name for name in content_columns(judged) if name in LASTING]
    order = judged.sort(
        pl.when(pl.col("conflicts") == 0).then(-pl.col("filled").cast(pl.Int64)).otherwise(0),
        "rank",
    )
    kept = order.filter(pl.col("loan_id").is_first_distinct()).sort("loan_id")
    newest = judged.sort("loan_id", "rank").group_by("loan_id", maintain_order=True)
    values = newest.agg(pl.col(columns).drop_nulls().first())
    whole = kept.with_columns(kept[name].fill_null(values[name]) for name in columns)
    is_filled = pl.any_horizontal(
        kept[name].is_null() & values[name].is_not_null() for name in columns
    )
    whole = whole.with_columns(emp_length_missing=pl.col("emp_length").is_null())
    return whole.filter(is_filled).select(LENDING_CLUB_LOANS.keys())


def less_filled(rows: pl.DataFrame) -> pl.DataFrame:
    """Find all but the fullest of rows that agree if both have values, as `duplicate`."""
    order = rows.sort(["filled", "rank"], descending=[True, False], maintain_order=True)
    refused = order.filter(~pl.col("loan_id").is_first_distinct())
    return refused.select(*POSITION, reason=pl.lit("duplicate"))


def exact_copies(rows: pl.DataFrame) -> pl.DataFrame:
    """Find all but the first of equal rows (in order of precedence)."""
    refused = rows.filter(~pl.struct("loan_id", "content").is_first_distinct())
    return refused.select(*POSITION, reason=pl.lit("duplicate"))


def _rewrite(fragments: Sequence[Path], changed: pl.DataFrame) -> None:
    """Rewrite the fragments that contain changed lines; a null `loan_id` removes the row."""
    for path in fragments:
        lines = pl.read_parquet(path, columns=["line_number"])
        if lines.join(changed, on="line_number", how="semi").is_empty():
            continue
        rows = pl.read_parquet(path)
        kept = rows.update(changed, on="line_number", include_nulls=True)
        kept.filter(pl.col("loan_id").is_not_null()).write_parquet(path, compression=COMPRESSION)


def _conflicts_within(
    fragments: Sequence[Path], rows: pl.DataFrame, has_ids: bool
) -> list[pl.DataFrame]:
    """Rows to refuse of ids that one file states twice, differently: all if values conflict.

    Fingerprints that conflict name several loans, so that nothing of them is refused.
    """
    faults = []
    for whole in whole_rows(fragments, rows):
        judged = with_verdicts(whole)
        refused = judged.filter((pl.col("conflicts") > 0) & has_ids)
        faults.append(refused.select(*POSITION, reason=pl.lit("conflicting_id")))
        faults.append(less_filled(judged.filter(pl.col("conflicts") == 0)))
    return faults


def settle_repeated_ids(fragments: Sequence[Path], has_ids: bool) -> pl.DataFrame:
    """Make `loan_id` unique within one file, rewriting fragments if needed.

    Exact repetitions are removed as duplicates, and of rows that differ only by nulls all but the
    fullest. With upstream ids, all rows of conflicting ids are removed; without ids, rows of equal
    fingerprints are numbered in file order. Returns the removed rows (line_number, reason).
    """
    rows = repeated_rows(fragments) if fragments else pl.DataFrame()
    if rows.is_empty():
        return pl.DataFrame(schema=FAULT_SCHEMA)
    copies = exact_copies(rows)
    rest = rows.join(copies, on=POSITION, how="anti", maintain_order="left")
    found = pl.concat([copies, *_conflicts_within(fragments, rest, has_ids)])
    rest = rest.join(found, on=POSITION, how="anti", maintain_order="left")
    faults = found.select("line_number", "reason")
    changed = faults.select("line_number", loan_id=pl.lit(None, dtype=pl.String))
    if not has_ids:
        number = pl.col("line_number").rank("ordinal").over("loan_id")
        numbered = pl.format("{}-{}", pl.col("loan_id").str.strip_suffix("-1"), number)
        changed = pl.concat([changed, rest.select("line_number", loan_id=numbered)])
    _rewrite(fragments, changed)
    return faults
