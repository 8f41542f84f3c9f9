"""One Parquet file per partition: atomic writes, and listing what is there."""

import os
from pathlib import Path
from typing import Final

import polars as pl

COMPRESSION: Final = "zstd"


def write_partition(frame: pl.DataFrame, folder: Path, partition_key: str) -> Path:
    """Write one partition beside its place and move it there in one rename.

    Returns the path `folder/<partition_key>.parquet`. A reader sees the old file or the new one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{partition_key}.parquet"
    temporary = folder / f".{partition_key}.{os.getpid()}.tmp"
    frame.write_parquet(temporary, compression=COMPRESSION)
    os.replace(temporary, target)
    return target


def partition_keys(folder: Path) -> list[str]:
    """The keys of the partitions that exist, sorted."""
    return sorted(path.stem for path in folder.glob("[!.]*.parquet"))
