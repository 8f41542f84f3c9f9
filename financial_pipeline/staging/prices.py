"""Drives the staging of bank prices: raw files to one Parquet file per session.

Every file is read whole, so its quarantine and accounting do not depend on the sessions asked
for; only the partitions that are written do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.files import Content
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import row_hashes
from financial_pipeline.publishing.partition_files import write_partitions
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import BANK_PRICES
from financial_pipeline.settings import Settings
from financial_pipeline.sources import bank_prices as source
from financial_pipeline.sources.market_calendar import session_numbers, sessions
from financial_pipeline.sources.price_layout import layout_of
from financial_pipeline.staging.accounting import (
    StagingSummary,
    age,
    reasons,
    refuse_dirty_file,
    with_provenance,
)
from financial_pipeline.staging.cleaned_store import (
    CleanedFile,
    account_once,
    cleaned_file,
    forget_others,
)
from financial_pipeline.transforms import bank_prices as transform
from financial_pipeline.transforms import price_identity
from financial_pipeline.transforms.price_rules import HARMLESS, is_daily
from financial_pipeline.transforms.price_scales import with_jumps
from financial_pipeline.transforms.price_units import another_unit
from financial_pipeline.transforms.verdicts import Cleaned

DATASET: Final = "bank_prices"
# Up to this many lost lines never refuse a file: a short one may have a partial last day.
TOLERATED_LINES: Final = 3


@dataclass(frozen=True)
class _Judged:
    """All rows of the files together, and the rows that were left out."""

    rows: pl.DataFrame
    quarantined: int
    refused: Mapping[str, str]


def stage_prices(
    paths: Paths, files: Sequence[RawFile], settings: Settings, first: date, last: date
) -> StagingSummary:
    """Write `staging/bank_prices`, one file per session from `first` to `last`, both included.

    A session without rows gets an empty file. Writes quarantine and accounting of each raw file;
    refuses a file without a usable row, with too many lost lines, without daily prices or of
    another security than the files before it, and raises RefusedFile only if no file is left.
    """
    calendar = _calendar(settings, last)
    forget_others(paths, DATASET, files)
    judged = _judge(paths, files, settings, calendar, are_accounted=True)
    rows, keys = judged.rows, [day for day in calendar if first <= day <= last]
    written = write_partitions(rows, pl.col("session_date"), paths.staging(DATASET), keys)
    newest = rows.filter(pl.col("session_date").is_between(first, last))["session_date"].max()
    return StagingSummary(
        rows=sum(written.values()),
        quarantined=judged.quarantined,
        partitions=written,
        files=sum(file.sha256 not in judged.refused for file in files),
        newest_event=newest,  # type: ignore[arg-type]
        faults=holes(rows, keys),
        refused=judged.refused,
    )


def staged_hashes(
    paths: Paths, files: Sequence[RawFile], settings: Settings, last: date
) -> dict[str, str]:
    """Return the content hash of each session that the files have rows of; no table is written.

    Raises RefusedFile as `stage_prices` does.
    """
    calendar = _calendar(settings, last)
    rows = _judge(paths, files, settings, calendar, are_accounted=False).rows
    return row_hashes(rows, pl.col("session_date").cast(pl.String))


def _calendar(settings: Settings, last: date) -> list[date]:
    return sessions(settings.first_session, max(last, date.today()))


def _judge(
    paths: Paths,
    files: Sequence[RawFile],
    settings: Settings,
    calendar: Collection[date],
    *,
    are_accounted: bool,
) -> _Judged:
    """Read all files; with `are_accounted`, write their quarantine and accounting."""
    newest_first = sorted(files, key=age, reverse=True)
    parts, quarantined, refused = [_no_rows()], 0, list[RefusedFile]()
    known = price_identity.no_prices()
    for file in sorted(files, key=_judging_order):
        try:
            found = _sound_file(paths, file, settings, calendar, known)
        except RefusedFile as error:
            refused.append(error)
            continue
        if are_accounted:
            account_once(paths, file, found)
        quarantined += found.cleaned.quarantined.height
        part = with_provenance(found.cleaned.rows, file).with_columns(
            is_adjusted_only=pl.lit(found.adjusted_only),
            file_rank=pl.lit(newest_first.index(file), pl.Int64),
        )
        parts.append(part.select(_no_rows().columns))
        known = price_identity.with_newer(known, parts[-1])
    # A refusal is of content: equal files under the names of two banks are both left out.
    gone = {error.sha256 for error in refused}
    if refused and all(file.sha256 in gone for file in files):
        raise refused[0]
    used = pl.concat(parts).filter(pl.col("file_sha256").is_in(gone).not_())
    rows = with_jumps(_with_session_numbers(transform.one_row_per_session(used)))
    rows = rows.sort("session_date", "symbol").select(BANK_PRICES.keys())
    return _Judged(rows, quarantined, {error.sha256: str(error) for error in refused})


def _with_session_numbers(rows: pl.DataFrame) -> pl.DataFrame:
    numbers = session_numbers(rows["session_date"])
    number = pl.col("session_date").replace_strict(numbers, return_dtype=pl.Int64)
    return rows.with_columns(session_number=number)


def holes(rows: pl.DataFrame, keys: Sequence[date]) -> dict[str, str]:
    """The sessions of `keys` on which a bank has no price though it has some before and after.

    Returns session -> one sentence that names the banks.
    """
    wanted = pl.DataFrame({"session_date": keys}, schema={"session_date": pl.Date})
    known = rows.group_by("symbol").agg(
        first=pl.col("session_date").min(), last=pl.col("session_date").max()
    )
    expected = wanted.join(known, how="cross").filter(
        pl.col("session_date").is_between("first", "last")
    )
    missing = expected.join(rows, on=["symbol", "session_date"], how="anti")
    banks = missing.sort("session_date", "symbol").group_by("session_date", maintain_order=True)
    named = banks.agg(pl.col("symbol").str.join(", "))
    return {day.isoformat(): f"{day} has no price of {who}" for day, who in named.iter_rows()}


def _no_rows() -> pl.DataFrame:
    ranks = {"is_adjusted_only": pl.Boolean(), "file_rank": pl.Int64()}
    made = ("session_number", "scale_break")
    read = {name: kind for name, kind in BANK_PRICES.items() if name not in made}
    return pl.DataFrame(schema=read | ranks)


def _judging_order(file: RawFile) -> tuple[object, ...]:
    """Return the order in which files are compared: of one arrival, the longest history first."""
    return file.fetched_at, -file.landed.rows_seen, file.sha256


def _sound_file(
    paths: Paths,
    file: RawFile,
    settings: Settings,
    calendar: Collection[date],
    known: pl.DataFrame,
) -> CleanedFile:
    """Return one cleaned file, or raise RefusedFile; `known` are the rows of those before it."""
    clean = partial(_clean, file, calendar, settings.first_session)
    depends = (settings.first_session, *source.arrival(file.fetched_at))
    found = cleaned_file(paths, file, max(calendar, default=date.max), depends, clean)
    cleaned = found.cleaned
    if cleaned.rows.is_empty() and transform.BEFORE_FIRST_SESSION not in cleaned.notes:
        message = (
            f"{file.landed.path} contains no usable row of bank prices ({reasons(cleaned)}); check"
            " the file, or export it again."
        )
        raise RefusedFile(file.sha256, message)
    _refuse_sparse(file, cleaned, calendar)
    _refuse_lossy(file, cleaned, settings)
    if not file.is_synthetic:
        _refuse_other(file, cleaned.rows, known)
    return found


def _refuse_other(file: RawFile, rows: pl.DataFrame, known: pl.DataFrame) -> None:
    """Raise RefusedFile for prices in another unit, or of another security than it names."""
    reason = another_unit(rows) or price_identity.lost_dividends(rows, known)
    if reason is None and (reason := price_identity.another_security(rows, known)):
        reason += "; name it after its own symbol, or withdraw the older file if that one is wrong"
    if reason:
        raise RefusedFile(file.sha256, f"{file.landed.path} is refused: {reason}.")


def _clean(file: RawFile, calendar: Collection[date], first_session: date) -> CleanedFile:
    if file.landed.subject is None or layout_of(file.archived_path) is None:
        raise RefusedFile(file.sha256, f"{file.landed.path} is not a file of bank prices.")
    content = Content(file.sha256, file.archived_path)
    read = source.read_file(content, file.landed.subject.split(","))
    cleaned = transform.clean(
        source.judge_arrival(read.lines.records, file.fetched_at),
        adjusted_only=read.adjusted_only,
        sessions=calendar,
        first_session=first_session,
    )
    return CleanedFile(
        cleaned=replace(cleaned, notes=read.lines.notes | cleaned.notes),
        physical_lines=read.physical_lines,
        newest=read.lines.records["session_date"].max(),  # type: ignore[arg-type]
        adjusted_only=read.adjusted_only,
    )


def _refuse_lossy(file: RawFile, cleaned: Cleaned, settings: Settings) -> None:
    """Raise RefusedFile if more lines with prices are lost than the limit of all datasets."""
    lost = cleaned.quarantined.filter(~pl.col("reason").is_in(HARMLESS))
    counts = dict(lost.group_by("reason").len().iter_rows())
    if lost.height > TOLERATED_LINES:
        refuse_dirty_file(file, counts, cleaned.rows.height, settings)


def _refuse_sparse(file: RawFile, cleaned: Cleaned, calendar: Collection[date]) -> None:
    """Raise RefusedFile for weekly or monthly prices: far fewer rows than sessions."""
    if is_daily(cleaned.rows, calendar):
        return
    days = cleaned.rows["session_date"].to_list()
    first, last = min(days), max(days)
    inside = [day for day in calendar if first <= day <= last]
    raise RefusedFile(
        file.sha256,
        f"{file.landed.path} is refused: it has {cleaned.rows.height:,} rows for the"
        f" {len(inside):,} sessions from {first} to {last}, so its prices are not daily; export the"
        " daily prices.",
    )
