"""Loan files to one thin table per snapshot month, with quarantine and row accounting."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.files import replacing
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import (
    COMPRESSION,
    partition_keys,
    write_partition,
)
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import LENDING_CLUB_LOAN_SNAPSHOTS
from financial_pipeline.settings import Settings
from financial_pipeline.staging import loan_restatements
from financial_pipeline.staging.accounting import (
    StagingSummary,
    account,
    cut_off,
    refuse_dirty_file,
)
from financial_pipeline.staging.loan_dialect import (
    EXCESS,
    FACTOR,
    OWING,
    RESOLVED,
    UNPAID,
    loan_dialect,
)
from financial_pipeline.staging.loan_identity import judge_identities
from financial_pipeline.staging.loan_keys import POSITION
from financial_pipeline.staging.loan_months import refuse_mixed_ids, stage_issue_months
from financial_pipeline.staging.loan_restatements import AcrossFiles
from financial_pipeline.staging.typed_store import TypedFile, late_faults, typed_file

__all__ = ["stage_issue_months", "stage_snapshots"]

DATASET: Final = "lending_club_loan_snapshots"
# Upstream ends its files with two footers.
FOOTER_ROWS: Final = 2
FILLED: Final = loan_restatements.FILLED


def stage_snapshots(
    paths: Paths, files: Sequence[RawFile], first: date, last: date, settings: Settings
) -> StagingSummary:
    """Stage every snapshot month from `first` to `last`; months without a file lose theirs.

    `files` are all loan files, whatever their month, in order of arrival. Raises RefusedFile,
    before anything is written, for a file with too many broken rows, and as `judge_identities`.
    """
    refuse_mixed_ids(files)
    doubts = _judge(paths, files, settings)
    months: dict[date, list[RawFile]] = {}
    for file in files:
        month = file.landed.snapshot_date
        if month is not None and first <= month <= last:
            months.setdefault(month, []).append(file)
    parts = [
        _stage_snapshot(paths, members, month, settings)
        for month, members in sorted(months.items())
    ]
    for folder in map(paths.staging, (DATASET, loan_restatements.NAME, FILLED)):
        for key in partition_keys(folder):
            if first <= date.fromisoformat(key) <= last and date.fromisoformat(key) not in months:
                (folder / f"{key}.parquet").unlink()
    return StagingSummary(
        rows=sum(part.rows for part in parts),
        quarantined=sum(part.quarantined for part in parts),
        partitions={key: rows for part in parts for key, rows in part.partitions.items()},
        files=sum(part.files for part in parts),
        newest_event=max(months, default=None),
        warnings=(*(text for part in parts for text in part.warnings), *doubts),
        remarks=tuple(text for part in parts for text in part.remarks),
    )


def _judge(paths: Paths, files: Sequence[RawFile], settings: Settings) -> list[str]:
    """Refuse broken files and those whose ids are none; returns the doubts about the others.

    Ids of all snapshots are compared, as loans are matched over all of them.
    """
    typed = {file.sha256: typed_file(paths, file, settings, loan_dialect) for file in files}
    for file in files:
        _refuse_if_dirty(file, typed[file.sha256], settings)
    # Equal bytes are one file.
    unique = {file.sha256: file for file in files}.values()
    fragments = [(file, typed[file.sha256].fragments) for file in unique]
    return judge_identities(fragments, settings.max_quarantine_share)


def _stage_snapshot(
    paths: Paths, files: Sequence[RawFile], snapshot_month: date, settings: Settings
) -> StagingSummary:
    """Write the thin table of one snapshot month, and quarantine and accounting of its files.

    `files` are in order of arrival, and none is to be refused.
    """
    # Files are in order of arrival, and the latest comes first; equal bytes are one file.
    ordered = list({file.sha256: file for file in reversed(files)}.values())
    typed = {file.sha256: typed_file(paths, file, settings, loan_dialect) for file in ordered}
    found = loan_restatements.compare_files(
        [(file, typed[file.sha256].fragments) for file in ordered]
    )
    for frame, name in ((found.ledger, loan_restatements.NAME), (found.filled, FILLED)):
        write_partition(frame, paths.staging(name), snapshot_month.isoformat())
    quarantined = sum(_account(paths, f, typed[f.sha256], found.faults, settings) for f in ordered)
    target = _sink_snapshot(paths, list(typed.values()), found, snapshot_month)
    rows = pl.scan_parquet(target).select(pl.len()).collect().item()
    notes = [_footers(file, typed[file.sha256]) for file in ordered]
    return StagingSummary(
        rows=rows,
        quarantined=quarantined,
        partitions={snapshot_month.isoformat(): rows},
        files=len(ordered),
        newest_event=snapshot_month,
        warnings=(
            *(text for agrees, text in notes if text and not agrees),
            *(text for file in ordered for text in _payments(file, typed[file.sha256])),
            *(text for file in ordered for text in cut_off(file, typed[file.sha256].records)),
        ),
        remarks=(
            *(text for agrees, text in notes if text and agrees),
            *(text for file in ordered if (text := _overlap(file, found.faults))),
            *(text for file in ordered if (text := _units(file, typed[file.sha256]))),
        ),
    )


def _of_file(across: pl.DataFrame, file: RawFile) -> pl.DataFrame:
    return across.filter(pl.col("file_sha256") == file.sha256).select("line_number", "reason")


def _refuse_if_dirty(file: RawFile, typed: TypedFile, settings: Settings) -> None:
    """Refuse a file with too many broken rows; repetitions of a row are no fault.

    Nor are two rows without any value: data frames without ids leave them of the footers.
    """
    broken = typed.faults().filter(pl.col("reason") != "duplicate").sort("line_number")
    is_empty = pl.col("reason") == "empty_row"
    if broken.filter(is_empty).height == FOOTER_ROWS:
        broken = broken.filter(~is_empty)
    try:
        refuse_dirty_file(file, Counter(broken["reason"]), typed.rows, settings)
    except RefusedFile as error:
        if broken.is_empty():
            raise
        line, reason = broken.select("line_number", "reason").row(0)
        first = f"The first of them is line {line} ({reason})."
        raise RefusedFile(file.sha256, f"{error} {first}") from error


def _overlap(file: RawFile, across: pl.DataFrame) -> str:
    """A sentence that counts the rows of a file that other files repeat or correct, or ''."""
    counts = Counter(_of_file(across, file)["reason"])
    found = [
        f"{counts[reason]:,} {verb}"
        for reason, verb in (("duplicate", "repeated"), ("superseded", "corrected"))
        if counts[reason]
    ]
    if not found:
        return ""
    return (
        f"{file.landed.path.name}: of its {file.landed.rows_seen:,} loans, other files of the"
        f" snapshot have {' and '.join(found)}."
    )


def _units(file: RawFile, typed: TypedFile) -> str:
    """A sentence that names the columns whose fractions were read as per cent, or ''."""
    names = [name.removeprefix(FACTOR) for name in typed.totals if name.startswith(FACTOR)]
    name = file.landed.path.name
    return f"{name}: {', '.join(names)} as fractions, read as per cent." if names else ""


def _payments(file: RawFile, typed: TypedFile) -> list[str]:
    """Sentences about payments and statuses that may belong to other loans."""
    doubts = {
        EXCESS: "{:.1%} of its loans paid back more principal than they borrowed, too many for"
        " typing errors: its payments may belong to other loans.",
        UNPAID: "{:.1%} of its fully paid loans did not pay back their principal: its statuses or"
        " payments may belong to other loans, or principal and interest are swapped.",
        OWING: "{:.1%} of its charged-off loans still owe principal, which upstream never shows:"
        " other statuses may have been renamed, and defaults and losses are too high.",
        RESOLVED: "none of its {:,.0f} loans whose term has not passed is live, so the file has"
        " resolved loans only: D2, D3 and the vintage curves are not those of the whole book.",
    }
    return [
        f"{file.landed.path.name}: {sentence.format(typed.totals[name])}"
        for name, sentence in doubts.items()
        if name in typed.totals
    ]


def _account(
    paths: Paths, file: RawFile, typed: TypedFile, across: pl.DataFrame, settings: Settings
) -> int:
    """Write quarantine and accounting of one file; returns the rows quarantined."""
    late = late_faults(file, _of_file(across, file), typed, settings, loan_dialect)
    rows = pl.concat([typed.faults(), late])
    account(
        paths,
        file,
        rows,
        staged=typed.staged_lines - int(late["physical_lines"].sum()),
        notes=typed.notes,
        file_physical_lines=typed.file_physical_lines,
    )
    return rows.height


def _sink_snapshot(
    paths: Paths, typed: Sequence[TypedFile], found: AcrossFiles, snapshot_month: date
) -> Path:
    folder, key = paths.staging(DATASET), snapshot_month.isoformat()
    fragments = [path for part in typed for path in part.fragments]
    if not fragments:
        return write_partition(pl.DataFrame(schema=LENDING_CLUB_LOAN_SNAPSHOTS), folder, key)
    rows = pl.scan_parquet(fragments).select(LENDING_CLUB_LOAN_SNAPSHOTS.keys())
    if found.faults.height:
        rows = rows.join(found.faults.lazy(), on=POSITION, how="anti")
    if found.filled.height:
        filled = found.filled.lazy().select(LENDING_CLUB_LOAN_SNAPSHOTS.keys())
        rows = rows.update(filled, on=POSITION)
    target = folder / f"{key}.parquet"
    with replacing(target, durable=False) as temporary:
        rows.sink_parquet(temporary, compression=COMPRESSION)
    return target


def _footers(file: RawFile, typed: TypedFile) -> tuple[bool, str]:
    """Return whether the footer totals of a file agree with its loans, and a sentence."""
    name, total = file.landed.path.name, typed.totals.get("footer_total")
    if total is None:
        return True, ""
    for column in ("funded_amnt", "loan_amnt"):
        if round(typed.totals[column]) == round(total):
            return True, f"{name}: the footer total {total:,.0f} is the sum of {column}."
    return False, (
        f"{name}: its footers claim {total:,.0f} dollars, but the staged loans sum to"
        f" {typed.totals['funded_amnt']:,.0f} (funded_amnt) and"
        f" {typed.totals['loan_amnt']:,.0f} (loan_amnt)."
    )
