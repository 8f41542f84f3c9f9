"""The content hash of a table: equal rows give equal hashes, however they were partitioned.

SHA-256 over the rows sorted by key, columns in contract order, floats rounded to nine significant
digits, because double sums differ in the last digits under another partitioning.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl
import polars.selectors as cs

# Scientific notation with eight decimals shows nine significant digits.
FLOAT_DECIMALS = 8
# The origin and the load time of a row are not part of the content.
PROVENANCE_COLUMNS = frozenset(
    {"file_sha256", "line_number", "run_id", "ingested_at", "kafka_partition", "kafka_offset"}
    # Positions of a topic at the time of the observation.
    | {"next_offset", "end_offset", "lag", "watermark_at", "observed_at"}
)
# Partition files that are read at once have about this size together, compressed.
BATCH_BYTES = 16 * 2**20
# Rows whose text is made at once: that of a whole table would be its largest copy in memory.
TEXT_ROWS = 200_000


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
    return hash_scanned(frame.lazy(), keys)


def hash_scanned(rows: pl.LazyFrame, keys: Sequence[str]) -> str:
    """Hash scanned rows like `hash_frame`; if sorted by a unique key, few are in memory."""
    counts = rows.select(rows=pl.len(), ascending=is_above_last(keys).sum())
    height, ascending = counts.collect(engine="streaming").row(0)
    if height and ascending != height - 1:
        rows = rows.sort(keys).collect().lazy()
    digest = hashlib.sha256()
    for start in range(0, height, TEXT_ROWS):
        digest.update(hashed_text(rows.slice(start, TEXT_ROWS).collect()))
    return digest.hexdigest()


def table_hashes(
    rows: pl.LazyFrame, keys: Sequence[str], part: pl.Expr, known: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Content hash of scanned rows, and of those of each value of `part`; `known` contains some."""
    parts = rows.with_columns(part.alias("_part")).select("_part").unique()
    present = parts.collect(engine="streaming")["_part"].to_list()
    found = {name: known[name] for name in present if name in known}
    if len(present) == 1:
        only = found.get(present[0]) or hash_scanned(rows, keys)
        return only, {str(present[0]): only}
    if len(found) < len(present):
        fresh = rows.filter(~part.is_in(list(found))) if found else rows
        found |= hash_parts(fresh.collect(), keys, part)
    return hash_scanned(rows, keys), found


def scanned(files: list[Path]) -> pl.LazyFrame:
    """Scan the files of a table; small ones are read at once, and not again for each question."""
    rows = pl.scan_parquet(files)
    is_small = sum(file.stat().st_size for file in files) < BATCH_BYTES
    return rows.collect().lazy() if is_small else rows


def is_above_last(keys: Sequence[str]) -> pl.Expr:
    """Whether the key of a row is above that of the row before; null for the first row."""
    is_above = pl.lit(False)
    for name in reversed(keys):
        here, last = pl.col(name), pl.col(name).shift(1)
        is_above = (here > last) | ((here == last) & is_above)
    return is_above


def hashed_text(frame: pl.DataFrame) -> bytes:
    """Return the bytes that `hash_frame` hashes, of rows that are already sorted by key."""
    return _text(frame.select(_hashed_columns(frame))).encode("utf-8")


def hash_parts(frame: pl.DataFrame, keys: Sequence[str], part: pl.Expr) -> dict[str, str]:
    """Content hash of the rows of each value of `part` (text), as `hash_frame` gives it.

    All rows are written once, which for thousands of small parts is far quicker than one by one.
    """
    named = frame.with_columns(part.alias("_part"))
    if named["_part"].n_unique() == 1:
        return {str(named["_part"][0]): hash_frame(frame, keys)}
    rows = named.sort("_part", *keys)
    counts = rows.group_by("_part", maintain_order=True).len()
    texts = rows.select(_hashed_columns(frame))
    lines = _text(texts).splitlines(keepends=True)
    if len(lines) != rows.height:
        # A text contains a line break.
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
