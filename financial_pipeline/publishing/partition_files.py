"""One Parquet file per partition of a staging dataset: atomic writes, and their listing."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from financial_pipeline.files import replace_file, replacing

COMPRESSION: Final = "zstd"


def rows_by(rows: pl.DataFrame, name: pl.Expr) -> dict[str, pl.DataFrame]:
    """Return the rows of each value of `name`, as text, each as one piece of memory.

    The bytes of a file depend on the pieces. A whole that is one already is not copied.
    """
    names = rows.select(name.alias("_name"))["_name"]
    if names.n_unique() == 1:
        return {str(names[0]): rows.rechunk()}
    return {str(key): part for (key,), part in rows.group_by(names)}


def write_partition(frame: pl.DataFrame, folder: Path, partition_key: str) -> Path:
    """Replace one partition in one rename and return its path `folder/<partition_key>.parquet`."""
    target = folder / f"{partition_key}.parquet"
    with replacing(target, durable=False) as temporary:
        frame.write_parquet(temporary, compression=COMPRESSION)
    return target


def write_partitions(
    frame: pl.DataFrame, partition: pl.Expr, folder: Path, keys: Sequence[date]
) -> dict[str, int]:
    """Write one partition per date of `keys`, of the rows for which `partition` gives that date.

    Returns the rows written by key. A key without rows gets an empty file, which replaces an
    earlier one; rows of other dates are left out. Meant for thousands of small partitions: a file
    that already holds the same bytes is left alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dates = frame.select(partition).to_series()
    order = dates.arg_sort()
    rows, dates = frame[order], dates[order]
    wanted = pl.Series(keys, dtype=pl.Date)
    starts = dates.search_sorted(wanted, "left").to_list()
    ends = dates.search_sorted(wanted, "right").to_list()
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    empty = _parquet_bytes(table.slice(0, 0))
    for key, start, end in zip(keys, starts, ends, strict=True):
        content = _parquet_bytes(table.slice(start, end - start)) if start < end else empty
        target = folder / f"{key.isoformat()}.parquet"
        if not target.exists() or target.read_bytes() != content:
            replace_file(target, content, durable=False)
    return {k.isoformat(): e - s for k, s, e in zip(keys, starts, ends, strict=True)}


def _parquet_bytes(table: pa.Table) -> bytes:
    # For a handful of rows, compression, dictionaries and statistics cost more than they save.
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="none",
        use_dictionary=False,
        column_encoding="PLAIN",
        write_statistics=False,
        store_schema=False,
    )
    return bytes(sink.getvalue())


def partition_keys(folder: Path) -> list[str]:
    """The keys of the partitions that exist, sorted."""
    return sorted(path.stem for path in folder.glob("[!.]*.parquet"))
