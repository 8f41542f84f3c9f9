"""A published version with as many scored loans as a measurement asks for.

Every table of a finished run is taken as it is, except the loans and their scores: those are drawn
from it with replacement, under new keys, so that all columns, types and shares stay real.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import Manifest, PublishedTable, read_manifest
from financial_pipeline.publishing.partition_files import COMPRESSION
from financial_pipeline.publishing.publication import Publication, publish
from financial_pipeline.publishing.table_files import parquet_files, sync_files

LOANS: Final = "exports/fct_loans"
SCORES: Final = "ml/scores"
ARTIFACTS: Final = "ml/artifacts"


def enlarge(source: Paths, target: Path, loans: int, seed: int) -> Paths:
    """Publish the tables of `source` below `target`, with this many loans and their scores.

    Both folders are on one file system. Raises PipelineError if nothing is published.
    """
    manifest, paths = read_manifest(source), Paths(target)
    publication = Publication(paths, "drawn")
    for key, table in manifest.tables.items():
        if key not in {LOANS, SCORES}:
            _link(source, paths, table.folder)
            publication.register(table)
    if (source.data_root / ARTIFACTS).exists():
        _link(source, paths, ARTIFACTS)
    _draw_loans(source, paths, manifest, loans, seed)
    publish(paths, [publication.run], manifest.world | {"loans": loans})
    return paths


def _link(source: Paths, target: Paths, folder: str) -> None:
    shutil.copytree(source.data_root / folder, target.data_root / folder, copy_function=os.link)


def _read(source: Paths, table: PublishedTable) -> pl.DataFrame:
    return pl.read_parquet(parquet_files(source, table))


def _draw_loans(source: Paths, target: Paths, manifest: Manifest, loans: int, seed: int) -> None:
    """The loans and, if the source has them, their scores at every cut-off."""
    rows = _read(source, manifest.table(LOANS))
    drawn = rows.sample(loans, with_replacement=True, seed=seed)
    keys = drawn.select(pl.col("loan_key").alias("drawn")).with_row_index("loan_key", offset=1)
    keys = keys.cast({"loan_key": rows.schema["loan_key"]})
    text = pl.col("loan_key").cast(pl.String).alias("loan_id")
    renamed = drawn.with_columns(keys["loan_key"]).with_columns(text)
    _write(target, manifest.table(LOANS), {"fct_loans": renamed})
    if SCORES in manifest.tables:
        scores = _read(source, manifest.table(SCORES))
        joined = keys.join(scores.rename({"loan_key": "drawn"}), on="drawn").select(scores.columns)
        cutoffs = joined.partition_by("training_cutoff", as_dict=True)
        parts = {str(cutoff): part.sort("loan_key") for (cutoff,), part in cutoffs.items()}
        _write(target, manifest.table(SCORES), parts)


def _write(target: Paths, table: PublishedTable, parts: Mapping[str, pl.DataFrame]) -> None:
    folder = target.data_root / table.folder
    folder.mkdir(parents=True)
    for name, part in parts.items():
        part.write_parquet(folder / f"{name}.parquet", compression=COMPRESSION)
    count = sum(part.height for part in parts.values())
    hashes, now = sync_files(folder), datetime.now(UTC).isoformat()
    drawn = replace(table, rows=count, files=hashes, built_at=now)
    Publication(target, "drawn").register(drawn)
