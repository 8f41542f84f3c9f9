"""The files of a table that is written whole: sorted rows, cut where the keys say so.

A file ends after a row whose hashed key is a multiple of the wanted number of rows. A row that is
added, removed or changed therefore moves no cut but those next to it, and all other files of the
next version have the same rows as before.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import duckdb
import polars as pl

# A table has about this number of files, unless they would become smaller or larger than this.
# Spark lists more than 32 files in a job of its own.
FILES: Final = 16
SMALLEST_ROWS: Final = 1024
LARGEST_ROWS: Final = 131_072
# A file also ends at this multiple of the wanted rows, which bounds the memory.
LONGEST: Final = 4


def _rows_per_file(rows: int) -> int:
    """Return the power of two by which a table of this length has about FILES files."""
    wanted = max(SMALLEST_ROWS, min(LARGEST_ROWS, rows // FILES))
    return 1 << (wanted.bit_length() - 1)


def _sort_frames(relation: duckdb.DuckDBPyRelation, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
    # Parquet has no integers of 128 bits; DuckDB writes them as doubles.
    wide = [
        f"{name}::double as {name}"
        for name, kind in zip(relation.columns, relation.types, strict=True)
        if str(kind) in ("HUGEINT", "UHUGEINT")
    ]
    rows = relation.order(", ".join(keys))
    if wide:
        rows = rows.project(f"* replace ({', '.join(wide)})")
    for batch in rows.to_arrow_reader(LARGEST_ROWS):
        frame = pl.from_arrow(batch)
        if isinstance(frame, pl.DataFrame):
            yield frame


def pieces(relation: duckdb.DuckDBPyRelation, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the rows of a relation, sorted by key, as one frame per file; none without rows."""
    size = _rows_per_file(len(relation))
    waiting: list[pl.DataFrame] = []
    for frame in _sort_frames(relation, keys):
        is_end = frame.select(keys).hash_rows() % size == 0
        start = 0
        for end in [*(int(row) + 1 for row in is_end.arg_true()), frame.height]:
            waiting.append(frame[start:end])
            start = end
            is_cut = end > 0 and bool(is_end[end - 1])
            if is_cut or sum(part.height for part in waiting) >= LONGEST * size:
                yield pl.concat(waiting)
                waiting = []
    if rest := [part for part in waiting if part.height]:
        yield pl.concat(rest)
