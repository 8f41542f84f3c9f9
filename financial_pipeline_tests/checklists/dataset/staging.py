"""Drives the staging of par yields: raw files to one Parquet file per month."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.partition_files import write_partitions
from financial_pipeline.schemas.raw import RawFile
from financial_pipeline.schemas.staging import TREASURY_YIELDS
from financial_pipeline.settings import Settings
from financial_pipeline.sources import treasury_yields as source
from financial_pipeline.sources.compression import decompressed
from financial_pipeline.sources.physical_lines import count_bytes
from financial_pipeline.staging.accounting import (
    StagingSummary,
    account,
    age,
    refuse_dirty_file,
    with_provenance,
)
from financial_pipeline.transforms import treasury_yields as transform
from financial_pipeline.transforms.verdicts import Cleaned

DATASET: Final = source.DATASET
HEADER_LINES: Final = 1


def stage_treasury_yields(
    paths: Paths, files: Sequence[RawFile], settings: Settings, first: date, last: date
) -> StagingSummary:
    """Write one file per month from `first` to `last`; of a day in several files, the newest.

    Raises RefusedFile for a file with too many broken lines.
    """
    ordered = sorted(files, key=age)
    cleaned = [_stage_file(paths, file, settings) for file in ordered]
    parts = [with_provenance(c.rows, file) for c, file in zip(cleaned, ordered, strict=True)]
    known = [part.select(TREASURY_YIELDS.keys()) for part in parts]
    rows = pl.concat([pl.DataFrame(schema=TREASURY_YIELDS), *known])
    rows = rows.unique("curve_date", keep="last", maintain_order=True)
    month = pl.col("curve_date").dt.month_start()
    months = pl.date_range(first.replace(day=1), last, "1mo", eager=True).to_list()
    written = write_partitions(rows, month, paths.staging(DATASET), months)
    return StagingSummary(
        rows=sum(written.values()),
        quarantined=sum(c.quarantined.height for c in cleaned),
        partitions=written,
        files=len(files),
        newest_event=max((file.landed.last_date for file in files), default=None),
    )


def _stage_file(paths: Paths, file: RawFile, settings: Settings) -> Cleaned:
    cleaned = transform.clean(source.read(file.archived_path), settings.first_observation_month)
    broken = Counter(cleaned.quarantined["reason"])
    refuse_dirty_file(file, broken, cleaned.rows.height, settings)
    with TemporaryDirectory() as folder, decompressed(file.archived_path, Path(folder)) as plain:
        physical_lines = count_bytes(plain).physical_lines
    account(
        paths,
        file,
        cleaned.quarantined,
        staged=cleaned.staged_lines,
        notes={"header": HEADER_LINES, **cleaned.notes},
        file_physical_lines=physical_lines,
    )
    return cleaned
