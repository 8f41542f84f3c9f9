"""Partitions of one month each, put together from the fragments of typed files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from financial_pipeline.files import link, replacing
from financial_pipeline.publishing.partition_files import write_partition
from financial_pipeline.schemas.staging import Schema
from financial_pipeline.staging.typed_store import TypedFile

# Small files of many months are kept split in memory: at most this many at a time.
SPLIT_FRAGMENTS = 4


@dataclass(frozen=True)
class Holding:
    """The rows that one file provides: of the `whole_months` all, else the lines of `kept`.

    Rows of `filled`, none of which is in a whole month, replace those of their line.
    """

    typed: TypedFile
    # Rows by month.
    counts: dict[str, int]
    whole_months: frozenset[str]
    # line_number of every row that is provided.
    kept: pl.DataFrame
    filled: pl.DataFrame | None = None


@dataclass(frozen=True)
class MonthTable:
    """A table of monthly partitions: its folder, its columns and the month column of fragments."""

    folder: Path
    contract: Schema
    month: str


def months_between(first: date, last: date) -> Iterator[date]:
    """The first day of every month from `first` to `last`, both included."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)


@lru_cache(maxsize=SPLIT_FRAGMENTS)
def _split(fragment: Path, month: str) -> dict[str, pl.DataFrame]:
    parts = pl.read_parquet(fragment).partition_by(month, as_dict=True, maintain_order=True)
    return {str(key): part for (key,), part in parts.items()}


def _rows(table: MonthTable, holding: Holding, month: str) -> pl.DataFrame:
    folder = Path(holding.typed.folder)
    parts = [
        pl.read_parquet(folder / name)
        if len(months) == 1
        else _split(folder / name, table.month)[month]
        for name, months in holding.typed.months.items()
        if month in months
    ]
    rows = pl.concat(parts)
    if month not in holding.whole_months:
        rows = rows.join(holding.kept, on="line_number", how="semi", maintain_order="left")
        if holding.filled is not None:
            rows = rows.update(holding.filled, on="line_number")
    return rows.select(table.contract.keys())


def _ready_fragment(table: MonthTable, holdings: Sequence[Holding], month: str) -> Path | None:
    """The fragment that is exactly this partition, if there is one."""
    if len(holdings) != 1 or month not in holdings[0].whole_months:
        return None
    typed = holdings[0].typed
    names = [name for name, months in typed.months.items() if month in months]
    if len(names) != 1 or typed.months[names[0]] != [month] or table.month not in table.contract:
        return None
    return Path(typed.folder) / names[0]


def _link(ready: Path, folder: Path, month: str) -> None:
    target = folder / f"{month}.parquet"
    # A rename between two names of one file does nothing and would leave the temporary name.
    if target.exists() and target.samefile(ready):
        return
    with replacing(target, durable=False) as temporary:
        temporary.unlink(missing_ok=True)
        link(ready, temporary)


def write_months(
    table: MonthTable, holdings: Sequence[Holding], first: date, last: date
) -> dict[str, int]:
    """Write every month from `first` to `last`, an empty file for none; returns rows by month.

    Rows of several files follow each other in the order of `holdings`.
    """
    written = {}
    for day in months_between(first, last):
        month = day.isoformat()
        providers = [holding for holding in holdings if month in holding.counts]
        ready = _ready_fragment(table, providers, month)
        if ready is not None:
            _link(ready, table.folder, month)
        else:
            parts = [_rows(table, holding, month) for holding in providers]
            rows = pl.concat([pl.DataFrame(schema=table.contract), *parts])
            write_partition(rows, table.folder, month)
        written[month] = sum(holding.counts[month] for holding in providers)
    _split.cache_clear()
    return written
