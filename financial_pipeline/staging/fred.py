"""Drives the staging of FRED series: raw files to one Parquet file per observation month.

Every file is read whole, so its quarantine and accounting do not depend on the months asked for;
only the partitions that are written do.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from financial_pipeline import world
from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import row_hashes
from financial_pipeline.publishing.partition_files import write_partitions
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import FRED_OBSERVATIONS
from financial_pipeline.settings import Settings
from financial_pipeline.sources import fred as source
from financial_pipeline.sources.compression import decompressed
from financial_pipeline.sources.physical_lines import count_bytes
from financial_pipeline.staging.accounting import StagingSummary, age, reasons, with_provenance
from financial_pipeline.staging.cleaned_store import (
    CleanedFile,
    account_once,
    cleaned_file,
    forget_others,
)
from financial_pipeline.transforms import fred_observations as transform
from financial_pipeline.transforms.fred_intervals import realtime_intervals
from financial_pipeline.transforms.fred_periods import ANOTHER_FREQUENCY, find_aggregates
from financial_pipeline.transforms.fred_seasons import not_adjusted
from financial_pipeline.transforms.fred_units import (
    no_values,
    older_series,
    possible_values,
    with_newer,
    wrong_unit,
)
from financial_pipeline.transforms.verdicts import Cleaned

DATASET: Final = "fred_observations"
MONTH: Final = pl.col("observation_date").dt.month_start()
# Up to this many broken rows are quarantined, however short the file is.
FEW_LINES: Final = 3
NO_ROWS: Final = pl.DataFrame(
    schema=FRED_OBSERVATIONS
    | {"vintage": pl.Date(), "frequency": pl.String()}
    | {"arrived": pl.Date(), "file_rank": pl.Int64()}
).drop("pit_method", "vintage_date")


def stage_fred(
    paths: Paths, files: Sequence[RawFile], settings: Settings, first: date, last: date
) -> StagingSummary:
    """Write `staging/fred_observations`, one file per observation month from `first` to `last`.

    A month without rows gets an empty file. Writes quarantine and accounting of each raw file;
    raises RefusedFile for one without a single usable row, with too many broken ones, or in
    another unit.
    """
    forget_others(paths, DATASET, files)
    rows, quarantined, warnings = _judge(paths, files, settings, are_accounted=True)
    months = pl.date_range(first.replace(day=1), last, "1mo", eager=True).to_list()
    written = write_partitions(rows, MONTH, paths.staging(DATASET), months)
    return StagingSummary(
        rows=sum(written.values()),
        quarantined=quarantined,
        partitions=written,
        files=len(files),
        newest_event=rows.filter(MONTH.is_in(months))["observation_date"].max(),  # type: ignore[arg-type]
        warnings=warnings,
    )


def staged_hashes(
    paths: Paths, files: Sequence[RawFile], settings: Settings, last: date
) -> dict[str, str]:
    """Return the content hash of each month up to `last` with rows; no table is written.

    Raises RefusedFile as `stage_fred` does.
    """
    rows, _, _ = _judge(paths, files, settings, are_accounted=False)
    return row_hashes(rows.filter(last >= MONTH), MONTH.cast(pl.String))


def _judge(
    paths: Paths, files: Sequence[RawFile], settings: Settings, *, are_accounted: bool
) -> tuple[pl.DataFrame, int, tuple[str, ...]]:
    """Read all files: rows, number of quarantined lines, and findings that a person should check.

    With `are_accounted`, write their quarantine and accounting.
    """
    newest_first = sorted(files, key=age, reverse=True)
    parts, known, quarantined, warnings = [NO_ROWS], no_values(), 0, list[str]()
    for file in sorted(files, key=_judging_order):
        found = _sound_file(paths, file, settings)
        if are_accounted:
            account_once(paths, file, found)
        quarantined += found.cleaned.quarantined.height
        part = with_provenance(found.cleaned.rows, file).with_columns(
            arrived=pl.lit(file.fetched_at.date()),
            file_rank=pl.lit(newest_first.index(file), pl.Int64),
        )
        part = part.select(NO_ROWS.columns)
        if not file.is_synthetic and (reason := wrong_unit(part, known) or not_adjusted(part)):
            raise RefusedFile(file.sha256, f"{file.landed.path} is refused: {reason}.")
        parts.append(part)
        warnings += [
            f"{file.landed.path} has other values of {name} than the stored ones and ends on"
            f" {ends}, before {reach}: if it is an older copy, withdraw it and drop it named after"
            f" its day, such as {name}_2020-01-10.csv"
            for name, ends, reach in older_series(part, known)
        ]
        known = with_newer(known, part)
    stored = pl.concat(parts)
    aggregates = find_aggregates(stored)
    used = stored.join(aggregates, on=["series_id", "file_rank"], how="anti")
    rows = realtime_intervals(used).select(FRED_OBSERVATIONS.keys())
    warnings += [
        f"{newest_first[rank].landed.path} has {series_id} at a lower frequency than another"
        " file: its values are not used"
        for series_id, rank in aggregates.iter_rows()
    ]
    rows = rows.sort("observation_date", "series_id", "realtime_start")
    return rows, quarantined, tuple(warnings)


def _judging_order(file: RawFile) -> tuple[object, ...]:
    """Return the order in which units are compared: of one arrival, the longest history first."""
    return file.fetched_at, -file.landed.last_date.toordinal(), file.sha256


def _sound_file(paths: Paths, file: RawFile, settings: Settings) -> CleanedFile:
    """Return one cleaned file; raises RefusedFile if too few of its rows can be used."""
    today = max(file.fetched_at.date(), world.today(settings))
    # The archive names a file by its content, so the original file name is used.
    depends = (file.landed.path.name, file.fetched_at.date(), settings.first_observation_month)
    clean = partial(_clean, file, today, settings.first_observation_month)
    found = cleaned_file(paths, file, today, depends, clean)
    if refusal := _refusal(file, found.cleaned, settings):
        raise RefusedFile(file.sha256, refusal)
    return found


def _clean(file: RawFile, today: date, first_month: date) -> CleanedFile:
    with TemporaryDirectory() as folder, decompressed(file.archived_path, Path(folder)) as plain:
        lines = source.read_lines(plain, file.landed.path)
        physical_lines = count_bytes(plain).physical_lines
    records = lines.records.with_columns(observation_date=source.observation_date())
    cleaned = transform.clean(records, first_month, file.fetched_at.date(), today)
    started = pl.col("realtime_start").str.to_date("%Y-%m-%d", strict=False)
    newest = records.select(pl.max_horizontal("observation_date", "vintage", started).max()).item()
    noted = replace(cleaned, notes=lines.notes | cleaned.notes)
    return CleanedFile(noted, physical_lines, newest)


def _refusal(file: RawFile, cleaned: Cleaned, settings: Settings) -> str | None:
    """Explain why no row of a file is used, if it has none or loses too many; else None."""
    is_implausible = (cleaned.quarantined["reason"] == "implausible_value").any()
    possible = possible_values(file.landed.subject or "") if is_implausible else ""
    is_outside = {transform.BEFORE_FIRST_MONTH, transform.AFTER_THIS_MONTH} & set(cleaned.notes)
    if cleaned.rows.is_empty() and not is_outside:
        return (
            f"{file.landed.path} contains no usable observation ({reasons(cleaned)}); check the"
            f" file, or download it again{possible}."
        )
    # The series of another frequency is left out by itself; repeated rows lose nothing.
    harmless = pl.col("reason").is_in(["duplicate", ANOTHER_FREQUENCY])
    lost = cleaned.quarantined.filter(~harmless).height
    share = lost / max(lost + cleaned.rows.height, 1)
    if lost <= FEW_LINES or share <= settings.max_quarantine_share:
        return None
    return (
        f"{file.landed.path} is refused: {lost:,} of its {lost + cleaned.rows.height:,} rows break"
        f" a rule ({reasons(cleaned)}), more than the {settings.max_quarantine_share:.1%} that may;"
        f" nothing of it is used: repair or replace the file{possible}."
    )
