"""Drives the staging of FRED series: raw files to one Parquet file per observation month.

Every file is read whole, so its quarantine and accounting do not depend on the months asked for;
only the partitions that are written do.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from financial_pipeline.errors import RefusedFile
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import write_partitions
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import FRED_OBSERVATIONS
from financial_pipeline.settings import Settings
from financial_pipeline.sources import fred as source
from financial_pipeline.sources.compression import decompressed
from financial_pipeline.sources.physical_lines import count_bytes
from financial_pipeline.staging.accounting import (
    StagingSummary,
    account_cleaned,
    age,
    reasons,
    with_provenance,
)
from financial_pipeline.transforms import fred_observations as transform
from financial_pipeline.transforms.fred_intervals import realtime_intervals
from financial_pipeline.transforms.verdicts import Cleaned

DATASET: Final = "fred_observations"
NO_ROWS: Final = pl.DataFrame(
    schema=FRED_OBSERVATIONS | {"vintage": pl.Date(), "file_rank": pl.Int64()}
).drop("pit_method")


def stage_fred(
    paths: Paths, files: Sequence[RawFile], settings: Settings, first: date, last: date
) -> StagingSummary:
    """Write `staging/fred_observations`, one file per observation month from `first` to `last`.

    A month without rows gets an empty file. Writes quarantine and accounting of each raw file;
    raises RefusedFile for one without a single usable row.
    """
    parts, quarantined = [NO_ROWS], 0
    for rank, file in enumerate(sorted(files, key=age, reverse=True)):
        cleaned = _stage_file(paths, file, settings)
        quarantined += cleaned.quarantined.height
        part = with_provenance(cleaned.rows, file).with_columns(file_rank=pl.lit(rank, pl.Int64))
        parts.append(part.select(NO_ROWS.columns))
    rows = realtime_intervals(pl.concat(parts)).select(FRED_OBSERVATIONS.keys())
    month = pl.col("observation_date").dt.month_start()
    months = pl.date_range(first.replace(day=1), last, "1mo", eager=True).to_list()
    rows = rows.sort("observation_date", "series_id", "realtime_start")
    written = write_partitions(rows, month, paths.staging(DATASET), months)
    newest = rows.filter(month.is_in(months))["observation_date"].max()
    return StagingSummary(
        rows=sum(written.values()),
        quarantined=quarantined,
        partitions=written,
        files=len(files),
        newest_event=newest,  # type: ignore[arg-type]
    )


def _stage_file(paths: Paths, file: RawFile, settings: Settings) -> Cleaned:
    """Clean one archived file and account for its lines."""
    with TemporaryDirectory() as folder, decompressed(file.archived_path, Path(folder)) as plain:
        # The archive names a file by its content, so the name it was dropped under counts.
        lines = source.read_lines(plain, file.landed.path)
        physical_lines = count_bytes(plain).physical_lines
    records = lines.records.with_columns(observation_date=source.observation_date())
    cleaned = transform.clean(records, settings.first_observation_month)
    if cleaned.rows.is_empty() and transform.BEFORE_FIRST_MONTH not in cleaned.notes:
        message = (
            f"{file.landed.path} contains no usable observation ({reasons(cleaned)}); check the"
            " file, or download it again."
        )
        raise RefusedFile(file.sha256, message)
    account_cleaned(paths, file, cleaned, lines.notes, physical_lines)
    return cleaned
