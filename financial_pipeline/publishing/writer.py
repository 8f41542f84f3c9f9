"""The writer of published tables: a new immutable folder, its content hashes and its description.

A new version contains fresh files of the replaced partitions and the same files, by link, of all
others. Files and folder are on the disk before the version is described, so a manifest never names
a folder that a crash could take away.
"""

import hashlib
import io
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import DISK, link
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import hashed_text, scanned, table_hashes
from financial_pipeline.publishing.manifest import PublishedTable, new_folder
from financial_pipeline.publishing.partition_files import COMPRESSION, rows_by
from financial_pipeline.publishing.pieces import pieces
from financial_pipeline.publishing.table_files import parquet_files, sync_files
from financial_pipeline.schemas.contract import Table

# Pieces that are hashed and compressed at once: DuckDB sorts the next ones meanwhile.
WRITERS = 2

Item = TypeVar("Item")
Result = TypeVar("Result")
Source = pl.DataFrame | duckdb.DuckDBPyRelation


@dataclass(frozen=True)
class _Piece:
    """One written file of a table: its hashed text, and its newest day if the table has days."""

    name: str
    content: bytes
    content_hash: str
    rows: int
    newest: Any


def write_table(
    paths: Paths,
    table: Table[Any],
    source: Source,
    *,
    previous: PublishedTable | None = None,
    replaced: Collection[str] | None = None,
    built_from: Mapping[str, str] | None = None,
    facts: Mapping[str, object] | None = None,
) -> PublishedTable:
    """Write a new version of a table and return its description; nothing is current yet.

    A frame replaces the partitions `replaced` (keys as text) of the version `previous`, or the
    whole table if `replaced` is None; it contains rows of no other partition. A DuckDB relation
    becomes the whole table, sorted by key, in bounded memory; its `partitions` are the hashes of
    its files. Equal rows give equal files, and a file that `previous` has is linked.
    """
    files = _earlier_files(paths, previous, replaced)
    folder = new_folder(paths, table.layer, table.name)
    try:
        if isinstance(source, duckdb.DuckDBPyRelation):
            described = _write_relation(table, source, folder, _by_hash(previous, files))
        else:
            _write_frame(table, source, folder, files, replaced)
            described = _describe(table, folder, previous, replaced)
        hashes = sync_files(folder)
    except BaseException:
        DISK.remove(folder)
        raise
    return PublishedTable(
        layer=table.layer,
        name=table.name,
        folder=folder.relative_to(paths.data_root).as_posix(),
        built_from=dict(built_from or {}),
        facts=dict(facts or {}),
        built_at=datetime.now(UTC).isoformat(),
        files=hashes,
        base=None if replaced is None else previous.folder if previous else "",
        **described,
    )


def _earlier_files(
    paths: Paths, previous: PublishedTable | None, replaced: Collection[str] | None
) -> list[Path]:
    if previous is None:
        return []
    files = parquet_files(paths, previous)
    if not files and replaced is not None and previous.partitions.keys() - {*replaced}:
        raise PipelineError(
            f"Files of {previous.key} in {previous.folder} are missing or damaged, so a part of it"
            " cannot be replaced alone; build all its partitions."
        )
    return files


def _by_hash(previous: PublishedTable | None, files: Collection[Path]) -> dict[str, Path]:
    known = previous.partitions if previous else {}
    return {known[path.stem]: path for path in files if path.stem in known}


def _write_relation(
    table: Table[Any],
    relation: duckdb.DuckDBPyRelation,
    folder: Path,
    previous: Mapping[str, Path],
) -> dict[str, Any]:
    """Write the files of a whole table; `previous` has the earlier files by content hash."""
    digest, hashes, rows, newest = hashlib.sha256(), {}, 0, None
    with ThreadPoolExecutor(WRITERS) as pool:
        write = partial(_write_piece, table=table, folder=folder, previous=previous)
        for written in _in_order(pool, write, enumerate(pieces(relation, table.keys))):
            digest.update(written.content)
            hashes[written.name] = written.content_hash
            rows += written.rows
            newest = max(filter(None, (newest, written.newest)), default=None)
    if not hashes:
        relation.write_parquet(str(folder / f"{table.name}.parquet"), compression=COMPRESSION)
    return {
        "rows": rows,
        "content_hash": digest.hexdigest(),
        "as_of": None if newest is None else str(newest),
        "partitions": hashes,
    }


def _write_piece(
    numbered: tuple[int, pl.DataFrame],
    table: Table[Any],
    folder: Path,
    previous: Mapping[str, Path],
) -> _Piece:
    number, rows = numbered
    name, content = f"{table.name}-{number:05}", hashed_text(rows)
    content_hash = hashlib.sha256(content).hexdigest()
    _write_file(rows, folder / f"{name}.parquet", previous.get(content_hash))
    newest = rows[table.event_date].max() if table.event_date else None
    return _Piece(name, content, content_hash, rows.height, newest)


def _in_order(
    pool: ThreadPoolExecutor,
    work: Callable[[Item], Result],
    items: Iterable[Item],
) -> Iterator[Result]:
    """Yield the results of a pool in the order of the items, of which few wait at any time."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > WRITERS:
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()


def _write_file(rows: pl.DataFrame, target: Path, before: Path | None) -> None:
    """Write one file; if the file of the version before has the same bytes, link it instead."""
    sink = io.BytesIO()
    rows.write_parquet(sink, compression=COMPRESSION)
    content = sink.getvalue()
    if before is not None and before.exists() and before.read_bytes() == content:
        link(before, target)
    else:
        DISK.write(target, content)


def _file_of(table: Table[Any], partition: str) -> str:
    return partition[:4] if table.one_file_per == "year" else partition


def _partition(table: Table[Any]) -> pl.Expr:
    """The partition key of each row, as text."""
    return pl.col(table.partition).cast(pl.String) if table.partition else pl.lit(table.name)


def _write_frame(
    table: Table[Any],
    rows: pl.DataFrame,
    folder: Path,
    previous: Collection[Path],
    replaced: Collection[str] | None,
) -> None:
    """Write one file for each file name that a replaced partition belongs to; link all others.

    A written file with the same bytes as before is a link too.
    """
    file_name = _partition(table)
    if table.one_file_per == "year":
        file_name = file_name.str.slice(0, 4)
    stems = {_file_of(table, key) for key in replaced or ()}
    earlier = {path.stem: path for path in previous}
    old = dict(earlier) if replaced is not None else {}
    if table.partition:
        # The file of a table that had no row.
        old.pop(table.name, None)
    fresh = rows_by(rows, file_name)
    names = stems | fresh.keys()
    if not names and not old:
        names = {table.name}
    for name in names:
        part = fresh.get(name, rows.clear())
        if replaced is not None and name in old:
            kept = pl.read_parquet(old[name]).filter(~_partition(table).is_in(list(replaced)))
            part = pl.concat([kept, part.select(kept.columns)]) if kept.height else part
        if table.order is not None:
            part = part.sort(*table.order, *table.keys, nulls_last=bool(table.order))
        _write_file(part, folder / f"{name}.parquet", earlier.get(name))
    for name in old.keys() - names:
        link(old[name], folder / f"{name}.parquet")


def _describe(
    table: Table[Any],
    folder: Path,
    previous: PublishedTable | None,
    replaced: Collection[str] | None,
) -> dict[str, Any]:
    """Count and hash the rows of a folder; unchanged partitions keep the hash they had."""
    written = sorted(folder.glob("*.parquet"))
    rows = scanned(written)
    if not rows.collect_schema():
        return {"rows": 0, "content_hash": hashlib.sha256().hexdigest()}
    known = previous.partitions if previous and replaced is not None else {}
    kept = {key: known[key] for key in known.keys() - set(replaced or ())}
    hashed = rows.drop(table.unhashed, strict=False)
    content_hash, partitions = table_hashes(hashed, table.keys, _partition(table), kept)
    day = table.event_date or table.partition
    newest = rows.select(pl.col(day).max()).collect(engine="streaming").item() if day else None
    return {
        "rows": rows.select(pl.len()).collect().item(),
        "content_hash": content_hash,
        "as_of": newest.isoformat() if isinstance(newest, date) else None,
        "partitions": dict(sorted(partitions.items())),
    }
