"""The content hash of a table: equal rows give equal hashes, however they were partitioned.

SHA-256 over the rows sorted by key, columns in contract order, floats rounded to nine significant
digits, because double sums differ in the last digits under another partitioning.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import polars as pl
import polars.selectors as cs

# Scientific notation with eight decimals shows nine significant digits.
FLOAT_DECIMALS = 8
# Where a row came from and when it was loaded is not what the table says.
PROVENANCE_COLUMNS = frozenset(
    {"file_sha256", "line_number", "run_id", "ingested_at", "kafka_partition", "kafka_offset"}
    # Where a topic stood when it was looked at.
    | {"next_offset", "end_offset", "lag", "watermark_at", "observed_at"}
)
# Partition files that are read at once have about this size together, compressed.
BATCH_BYTES = 16 * 2**20


def _text(frame: pl.DataFrame) -> str:
    # -0.0 is equal to 0.0; adding zero to a column with nulls would leave it.
    plain = frame.with_columns(pl.when(cs.float() == 0).then(0.0).otherwise(cs.float()).name.keep())
    return plain.write_csv(
        include_header=False, float_scientific=True, float_precision=FLOAT_DECIMALS
    )


def _hashed_columns(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name not in PROVENANCE_COLUMNS]


def hash_frame(frame: pl.DataFrame, keys: Sequence[str]) -> str:
    """Content hash of a frame, sorted here by `keys`."""
    return hashlib.sha256(hashed_text(frame.sort(keys))).hexdigest()


def hashed_text(frame: pl.DataFrame) -> bytes:
    """Return the bytes that `hash_frame` hashes, of rows that are already sorted by key."""
    return _text(frame.select(_hashed_columns(frame))).encode("utf-8")


def hash_parts(frame: pl.DataFrame, keys: Sequence[str], part: pl.Expr) -> dict[str, str]:
    """Content hash of the rows of each value of `part` (text), as `hash_frame` gives it.

    All rows are written once, which for thousands of small parts is far quicker than one by one.
    """
    rows = frame.with_columns(part.alias("_part")).sort("_part", *keys)
    if rows["_part"].n_unique() == 1:
        return {str(rows["_part"][0]): hash_frame(frame, keys)}
    counts = rows.group_by("_part", maintain_order=True).len()
    texts = rows.select(_hashed_columns(frame))
    lines = _text(texts).splitlines(keepends=True)
    if len(lines) != rows.height:
        # A text has a line break in it.
        parts = frame.group_by(part.alias("_part"))
        return {str(key): hash_frame(own, keys) for (key,), own in parts}
    hashes, start = {}, 0
    for name, count in counts.iter_rows():
        content = "".join(lines[start : start + count])
        hashes[str(name)] = hashlib.sha256(content.encode("utf-8")).hexdigest()
        start += count
    return hashes


def row_hashes(rows: pl.DataFrame, partition: pl.Expr) -> dict[str, str]:
    """Return the hash of the rows of each partition, by key (text); rows are in written order.

    Hashes of doubles are exact here; provenance is left out, as no table after staging has it.
    """
    values = rows.drop(*PROVENANCE_COLUMNS, strict=False).hash_rows()
    keyed = rows.select(key=partition.cast(pl.String), value=values)
    parts = keyed.partition_by("key", as_dict=True, maintain_order=True)
    return {
        str(key): hashlib.sha256(part["value"].to_numpy().tobytes()).hexdigest()
        for (key,), part in parts.items()
    }


def partition_hashes(folder: Path, keys: Collection[str] | None = None) -> dict[str, str]:
    """Return the hash of the rows of each partition file of a staging folder, by key.

    `keys` limits it to some partitions. An empty partition has an empty hash.
    """
    paths = sorted(folder.glob("[!.]*.parquet"))
    paths = [path for path in paths if keys is None or path.stem in keys]
    hashes = {path.stem: "" for path in paths}
    for batch in _batches(paths):
        rows = pl.read_parquet(batch, include_file_paths="_path", hive_partitioning=False)
        found = rows.drop("_path"), rows["_path"]
        by_path = row_hashes(found[0], pl.lit(found[1]))
        hashes |= {Path(path).stem: value for path, value in by_path.items()}
    return hashes


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Split files into lists that are read at once, each of bounded size."""
    batch: list[Path] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += path.stat().st_size
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
