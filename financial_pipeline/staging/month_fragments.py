"""Rows of one raw file, split by month while they stream by, in bounded memory.

Upstream files are nearly ordered by month, so most months end in one fragment, which becomes the
partition as it is; a small file stays whole and is split when its partitions are written.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from financial_pipeline.publishing.partition_files import COMPRESSION

# Rows of 155 columns held in memory before the longest untouched month is written.
BUFFERED_ROWS = 150_000
# Up to this many rows a file stays in one fragment: many tiny Parquet files cost more.
WHOLE_FILE_ROWS = 60_000
# Up to this many changes of month a batch counts as ordered.
FEW_RUNS = 200


class MonthFragments:
    """Collects frames, writes Parquet fragments, and knows which months each of them contains."""

    def __init__(
        self,
        folder: Path,
        month_column: str,
        is_repeated: Callable[[pl.DataFrame], pl.Series | None],
    ) -> None:
        self._folder = folder
        self._column = month_column
        self._is_repeated = is_repeated
        self._buffers: OrderedDict[str, list[pl.DataFrame]] = OrderedDict()
        self._buffered = 0
        self.months: dict[str, list[str]] = {}
        # Lines of the rows that repeat another one of their fragment, and are not written.
        self.repeated: list[pl.Series] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Take rows over; the month that has waited longest is written when memory is short."""
        for key, part in self._parts(frame):
            self._buffers.setdefault(key, []).append(part)
            self._buffers.move_to_end(key)
        self._buffered += frame.height
        while self._buffered > BUFFERED_ROWS:
            self._write([next(iter(self._buffers))])

    def _parts(self, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        runs = frame[self._column].rle().struct.unnest()
        if runs.height > FEW_RUNS:
            parts = frame.partition_by(self._column, as_dict=True, maintain_order=True)
            yield from ((str(month), part) for (month,), part in parts.items())
            return
        # Rows that are ordered by month are cut, not copied.
        start = 0
        for length, month in runs.iter_rows():
            yield str(month), frame.slice(start, length)
            start += length

    def close(self) -> None:
        """Write the remaining rows."""
        if not self.months and self._buffered <= WHOLE_FILE_ROWS:
            self._write(sorted(self._buffers))
        while self._buffers:
            self._write([next(iter(self._buffers))])

    def _write(self, keys: list[str]) -> None:
        if not keys:
            return
        rows = pl.concat([part for key in keys for part in self._buffers.pop(key)])
        self._buffered -= rows.height
        is_repeated = self._is_repeated(rows)
        if is_repeated is not None and is_repeated.any():
            self.repeated.append(rows["line_number"].filter(is_repeated))
            rows = rows.filter(~is_repeated)
        name = f"{len(self.months):05}.parquet"
        # A month is read whole, so nobody would use statistics.
        rows.write_parquet(self._folder / name, compression=COMPRESSION, statistics=False)
        self.months[name] = keys
