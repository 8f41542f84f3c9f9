"""Loans that several files of one snapshot contain: copies, corrections and their ledger.

A later arrival wins, loan by loan; every value that it changed is a row of the ledger. A null does
not conflict with a value, and neither does another way to write it. Files without ids are compared
by their fingerprints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import PublishedTable
from financial_pipeline.publishing.partition_files import partition_keys
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.loan_rules import FINGERPRINT_COLUMNS
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
# Never corrected by upstream: if most loans differ here, the same ids name other loans.
IDENTITY: Final = ("issue_d", "term", "loan_amnt")
MOST_CHANGED_IDENTITIES: Final = 0.5
# Two loans of one file hardly ever agree in all of these.
ALIKE: Final = (*IDENTITY, "int_rate", "installment", "sub_grade", "zip_code", "earliest_cr_line")
# Without these columns, two loans may agree in all others that are known at origination.
DISTINCT: Final = ("annual_inc", "revol_bal", "earliest_cr_line")


@dataclass(frozen=True)
class AcrossFiles:
    """Rows to leave out (file_sha256, line_number, reason), and the changed values.

    `filled` are whole rows in place of those of their file and line, with values that only other
    files have; `alike` are, by hash of a file, its loans that an earlier one seems to state
    otherwise.
    """

    faults: pl.DataFrame
    ledger: pl.DataFrame
    filled: pl.DataFrame
    alike: Mapping[str, int]


def compare_files(files: Sequence[tuple[RawFile, Sequence[Path]]]) -> AcrossFiles:
    """Judge the loans that more than one file of a snapshot contains.

    `files` have their fragments, the latest arrival first. Reasons are `duplicate` for a row that
    another file states as fully, and `superseded` for one that a later arrival corrects. Raises
    RefusedFile if a file's ids name other loans in the others, or its loans have other ids there.
    """
    none = pl.DataFrame(schema={"file_sha256": pl.String(), **FAULT_SCHEMA})
    empty = AcrossFiles(none, pl.DataFrame(schema=LEDGER), pl.DataFrame(schema=LOANS), {})
    fragments = [path for _, paths in files for path in paths]
    if len(files) < 2 or not fragments:
        return empty
    _refuse_renumbered([file for file, _ in files], fragments)
    alike = _alike_loans([file for file, _ in files], fragments)
    order = {file.sha256: rank for rank, (file, _) in enumerate(files)}
    rank = pl.col("file_sha256").replace_strict(order)
    rows = repeated_rows(fragments)
    if rows.is_empty():
        return replace(empty, alike=alike)
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
    found = AcrossFiles(pl.concat(faults), pl.concat(ledger), pl.concat(filled), alike)
    _refuse_other_loans(files[0][0], found.ledger, rows["loan_id"].n_unique())
    return found


def _alike_loans(files: Sequence[RawFile], fragments: Sequence[Path]) -> dict[str, int]:
    """Hash of a file -> its loans without ids that an earlier file states otherwise.

    `files` are in order of arrival, the latest first. Such loans have another fingerprint there, so
    that both count.
    """
    known = pl.all_horizontal(pl.col(ALIKE).is_not_null(), pl.col("id").is_null())
    key = pl.struct(map(comparable, ALIKE)).hash()
    loans = pl.scan_parquet(list(fragments)).filter(known)
    rows = loans.select("file_sha256", "loan_id", key=key).collect(engine="streaming")
    # A loan that both files have explains why keys agree.
    single = rows.filter(pl.col("loan_id").is_unique() & pl.col("key").is_duplicated())
    found = {}
    for at, file in enumerate(files):
        mine, earlier = (
            single.filter(pl.col("file_sha256").is_in(hashes))
            for hashes in ([file.sha256], [other.sha256 for other in files[at + 1 :]])
        )
        found[file.sha256] = mine.join(earlier, on="key", how="semi").height
    return {sha: count for sha, count in found.items() if count}


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


def _refuse_other_loans(file: RawFile, ledger: pl.DataFrame, shared: int) -> None:
    """Refuse a file if most of the loans that it shares have another identity there."""
    changed = ledger.filter(pl.col("field").is_in(IDENTITY))["loan_id"].n_unique()
    if changed > 1 and changed > MOST_CHANGED_IDENTITIES * shared:
        raise RefusedFile(
            file.sha256,
            f"{file.landed.path} is refused: {changed:,} of the {shared:,} loans that it shares"
            " with other files of its snapshot have another issue month, term or amount there, so"
            " its ids name other loans; correct the ids or withdraw the other file.",
        )


def _refuse_renumbered(files: Sequence[RawFile], fragments: Sequence[Path]) -> None:
    """Refuse a file if most of its loans are in another one under other ids: they count twice."""
    known = pl.all_horizontal(pl.col(DISTINCT).is_not_null(), pl.col("id").is_not_null())
    key = pl.struct(map(comparable, FINGERPRINT_COLUMNS)).hash()
    sound = pl.scan_parquet(list(fragments)).filter(known)
    rows = sound.select("file_sha256", "loan_id", key=key).collect(engine="streaming")
    shared = rows.filter(pl.col("key").is_duplicated())
    for file in files:
        is_mine = pl.col("file_sha256") == file.sha256
        both = shared.filter(is_mine).join(shared.filter(is_mine.not_()), on="key")
        renamed = both.filter(pl.col("loan_id") != pl.col("loan_id_right"))["key"].n_unique()
        loans = rows.select(is_mine.sum()).item()
        if renamed > 1 and renamed > MOST_CHANGED_IDENTITIES * loans:
            raise RefusedFile(
                file.sha256,
                f"{file.landed.path} is refused: {renamed:,} of its {loans:,} loans are in another"
                " file of its snapshot under other ids, so they would count twice; correct the ids"
                " or withdraw the other file.",
            )


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
