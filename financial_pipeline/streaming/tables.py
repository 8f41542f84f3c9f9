"""The published `stream/*` tables: rows replaced by key, day by day, in one manifest move."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import polars as pl

from financial_pipeline.files import locked
from financial_pipeline.publishing.manifest import PublishedTable, channel_tables, publish_tables
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming.landed_messages import typed_rows
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.ledger import LandedRange
from financial_pipeline.streaming.parity import COMPARED, Parity

CHANNEL: Final = "stream"
World = Mapping[str, object]


def _facts(landing: Landing) -> dict[str, str]:
    """Return the identity of this log and ledger, which their tables carry."""
    return {"engine": landing.log.engine, "ledger": landing.ledger.id}


def current_table(landing: Landing, name: str) -> PublishedTable | None:
    """Return the current version of a stream table, if it was made from this log and ledger.

    A damaged one is made from the ledger again.
    """
    table = channel_tables(landing.paths, CHANNEL).get(STREAM_TABLES[name].key)
    is_ours = table is not None and table.facts.items() >= _facts(landing).items()
    return table if is_ours and table and parquet_files(landing.paths, table) else None


def _merge(table: Table[pl.DataType], before: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return both, one row per key: the highest revision, of equal ones the newer."""
    both = pl.concat([before.select(rows.columns), rows])
    if "revision" in table.columns:
        both = both.sort("revision", maintain_order=True)
    return both.unique(table.keys, keep="last", maintain_order=True)


def write_rows(landing: Landing, name: str, rows: pl.DataFrame) -> PublishedTable:
    """Write a new version of a stream table with these rows merged in; nothing is current yet.

    A table without partitions gets these rows only.
    """
    table, before, paths = STREAM_TABLES[name], current_table(landing, name), landing.paths
    rows = rows.select(table.columns.keys())
    days: list[str] | None = None
    if table.partition:
        days = rows[table.partition].cast(pl.String).unique().to_list()
        old = [path for path in parquet_files(paths, before) if path.stem in days] if before else []
        rows = _merge(table, pl.concat([rows.clear(), *(pl.read_parquet(p) for p in old)]), rows)
    # The table of another engine or ledger is replaced whole.
    days = days if before else None
    return write_table(paths, table, rows, previous=before, replaced=days, facts=_facts(landing))


def publish_landed(landing: Landing, world: World) -> dict[str, int]:
    """Bring landed rows that the tables lack into the tables, in one manifest move.

    Return the new rows by table. Doing it twice changes nothing: rows are replaced by key.
    """
    paths, ledger = landing.paths, landing.ledger
    with locked(paths.data_root / ".stream.lock"):
        ranges: list[LandedRange] = []
        tables, added = [], {}
        for name, table in STREAM_TABLES.items():
            if table.topic is None:
                continue
            is_new = current_table(landing, name) is None
            fresh = ledger.ranges(table.topic, unpublished=not is_new)
            if not fresh and not is_new:
                continue
            ranges += fresh
            messages = landing.read(fresh)
            rows = (
                pl.DataFrame(schema=table.columns)
                if messages.is_empty()
                else typed_rows(messages, table)
            )
            tables.append(write_rows(landing, name, rows))
            added[name] = rows.height
        if tables:
            publish_tables(paths, CHANNEL, tables, world)
            ledger.mark_published(ranges)
    return added


def publish_parity(landing: Landing, found: Parity, world: World) -> list[PublishedTable]:
    """Publish the parity of these days and, if a day passed, the rows that the batch corrected.

    A day is left out if a comparison with more landed ranges was published meanwhile. Return the
    new versions, the parity table first.
    """
    paths, ledger = landing.paths, landing.ledger
    with locked(paths.data_root / ".stream.lock"):
        known = ledger.compared()
        found = found.without(
            [day for day, id_ in found.compared().items() if id_ < known.get(day, 0)]
        )
        faults = list(found.faults())
        changed = [write_rows(landing, "parity", found.rows)]
        frames = zip(COMPARED, (found.bars, found.indicators, found.alerts), strict=True)
        for name, rows in frames:
            sound = ~pl.col("session_date").cast(pl.String).is_in(faults)
            corrected = rows.filter((pl.col("revision") > 0) & sound)
            if corrected.height:
                changed.append(write_rows(landing, name, corrected))
        publish_tables(paths, CHANNEL, changed, world)
        ledger.note_compared(found.compared())
    return changed


def status_rows(landing: Landing, topics: Sequence[str], now: datetime) -> pl.DataFrame:
    """Return one row per topic and partition in STATUS form; `now` is UTC without zone."""
    rows = []
    for topic, ends in landing.log.end_offsets(topics).items():
        starts, marks = landing.ledger.next_offsets(topic), landing.ledger.watermarks(topic)
        for partition, end in sorted(ends.items()):
            start, mark = starts.get(partition, 0), marks.get(partition)
            rows.append((topic, partition, start, end, end - start, mark, now, landing.log.engine))
    schema = dict(STREAM_TABLES["status"].columns) | {"watermark_at": pl.Int64()}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.from_epoch("watermark_at", time_unit="us"))


def publish_status(
    landing: Landing, topics: Sequence[str], world: World, now: datetime
) -> PublishedTable:
    """Publish `stream/status` from the present log and ledger, and return the new version."""
    # In the lock, so that no earlier look at the log becomes current after a later one.
    with locked(landing.paths.data_root / ".stream.lock"):
        rows = status_rows(landing, topics, now)
        table = write_rows(landing, "status", rows)
        publish_tables(landing.paths, CHANNEL, [table], world)
    return table
