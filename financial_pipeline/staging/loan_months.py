"""Issue months of loans: every loan once, from the latest snapshot that contains it."""

from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import LENDING_CLUB_LOANS
from financial_pipeline.settings import Settings
from financial_pipeline.sources.lending_club import WITHOUT_IDS
from financial_pipeline.staging import loan_restatements
from financial_pipeline.staging.accounting import StagingSummary
from financial_pipeline.staging.loan_dialect import loan_dialect
from financial_pipeline.staging.month_partitions import Holding, MonthTable, write_months
from financial_pipeline.staging.typed_store import forget_others, typed_file

DATASET: Final = "lending_club_loans"


def refuse_mixed_ids(files: Sequence[RawFile]) -> None:
    """Raise RefusedFile if a file without loan ids covers issue months of one with ids.

    The same loan would count twice: its fingerprint cannot be matched to an id.
    """
    for one, other in combinations(files, 2):
        without, holding = (one, other) if one.landed.form.endswith(WITHOUT_IDS) else (other, one)
        if holding.landed.form.endswith(WITHOUT_IDS) or not without.landed.form.endswith(
            WITHOUT_IDS
        ):
            continue
        if (
            without.landed.first_date <= holding.landed.last_date
            and holding.landed.first_date <= without.landed.last_date
        ):
            raise RefusedFile(
                without.sha256,
                f"{without.landed.path} has no loan ids but covers issue months that"
                f" {holding.landed.path} contains with ids, so the same loans would count twice;"
                " keep one of the two files.",
            )


def _per_month(rows: pl.DataFrame) -> dict[str, int]:
    counts = rows.group_by("issue_d").len()
    return {str(month): count for month, count in counts.iter_rows()}


def _holdings(
    paths: Paths, files: Sequence[RawFile], settings: Settings, first: date, last: date
) -> list[Holding]:
    """Find the rows that each file provides, latest snapshot first; only keys are read."""
    taken = pl.DataFrame(schema={"loan_id": pl.String()})
    holdings = []
    for file in sorted(files, key=lambda item: str(item.landed.snapshot_date), reverse=True):
        typed = typed_file(paths, file, settings, loan_dialect)
        if not typed.months:
            continue
        held = (
            pl.scan_parquet(typed.fragments)
            .select("loan_id", "issue_d", "line_number")
            .filter(pl.col("issue_d").is_between(first, last))
            .collect(engine="streaming")
        )
        refused = pl.read_parquet(paths.staging("quarantine") / f"{file.sha256}.parquet")
        kept = held.join(refused, on="line_number", how="anti").join(
            taken, on="loan_id", how="anti"
        )
        if kept.is_empty():
            continue
        counts = _per_month(kept)
        whole = {month for month, count in _per_month(held).items() if counts.get(month) == count}
        filled = loan_restatements.filled_of(paths, file)
        whole -= {*map(str, filled["issue_d"])}
        taken = pl.concat([taken, kept.select("loan_id")])
        lines = kept.select("line_number")
        holdings.append(Holding(typed, counts, frozenset(whole), lines, filled))
    return holdings


def stage_issue_months(
    paths: Paths, files: Sequence[RawFile], first: date, last: date, settings: Settings
) -> StagingSummary:
    """Write the loans of every issue month from `first` to `last`, an empty file for none.

    `files` are all loan files, whose snapshots are staged before. Raises RefusedFile if a file
    without ids covers the issue months of one with ids.
    """
    refuse_mixed_ids(files)
    forget_others(paths, DATASET, {file.sha256 for file in files})
    holdings = _holdings(paths, files, settings, first, last)
    table = MonthTable(paths.staging(DATASET), LENDING_CLUB_LOANS, "issue_d")
    partitions = write_months(table, holdings, first, last)
    quarantined = [
        pl.scan_parquet(paths.staging("quarantine") / f"{file.sha256}.parquet").select(pl.len())
        for file in files
    ]
    filled = [month for month, rows in partitions.items() if rows]
    return StagingSummary(
        rows=sum(partitions.values()),
        quarantined=sum(frame.item() for frame in pl.collect_all(quarantined)),
        partitions=partitions,
        files=len(files),
        newest_event=date.fromisoformat(max(filled)) if filled else None,
    )
