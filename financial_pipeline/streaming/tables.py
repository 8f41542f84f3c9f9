"""The published `stream/*` tables: rows replaced by key, day by day, and one manifest move."""

import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import content_hash, published
from financial_pipeline.publishing.partition_files import write_partition
from financial_pipeline.publishing.published import PublishedTable
from financial_pipeline.schemas.stream_tables import STREAM_TABLES, StreamTable
from financial_pipeline.streaming.landed_messages import typed_rows
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.ledger import LandedRange
from financial_pipeline.streaming.parity import COMPARED, Parity

LAYER = "stream"
WHOLE = "all"
World = Mapping[str, object]


def current_table(paths: Paths, name: str, engine: str) -> PublishedTable | None:
    """The current version of a stream table, if this engine's log made it."""
    try:
        table = published.read_manifest(paths).table(f"{LAYER}/{name}")
    except PipelineError:
        return None
    return table if table.facts.get("engine") == engine else None


def _rows_by_day(paths: Paths, table: PublishedTable | None) -> dict[str, pl.DataFrame]:
    files = published.parquet_files(paths, table) if table else []
    frames = {path.stem: pl.read_parquet(path) for path in files}
    # A table without rows has one file that is no day.
    return {day: frame for day, frame in frames.items() if frame.height}


def _merged(table: StreamTable, before: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame:
    """Both, one row per key: the highest revision, of equal ones the newer."""
    both = rows if before is None else pl.concat([before.select(rows.columns), rows])
    if "revision" in table.schema:
        both = both.sort("revision", maintain_order=True)
    return both.unique(table.keys, keep="last", maintain_order=True).sort(table.keys)


def write_rows(
    paths: Paths, name: str, engine: str, rows: pl.DataFrame, *, whole: bool = False
) -> PublishedTable:
    """A new version of a stream table with these rows merged in; nothing is current yet.

    With `whole` the rows are the table: all others go.
    """
    table, before = STREAM_TABLES[name], current_table(paths, name, engine)
    days = {} if whole else _rows_by_day(paths, before)
    folder = paths.published_folder(LAYER, name, published.new_version())
    folder.mkdir(parents=True)
    key = pl.lit(WHOLE) if table.topic is None else pl.col(table.day).cast(pl.String)
    fresh = {
        str(day): _merged(table, days.get(str(day)), part.select(table.schema.keys()))
        for (day,), part in rows.group_by(key.alias("_day"), maintain_order=True)
    }
    days |= fresh
    frame = pl.concat(days.values()) if days else pl.DataFrame(schema=table.schema)
    for day, part in (days or {WHOLE: frame}).items():
        if day in fresh or before is None:
            write_partition(part, folder, day)
        else:
            os.link(paths.data_root / before.folder / f"{day}.parquet", folder / f"{day}.parquet")
    newest = frame[table.day].max() if table.day in frame.columns else None
    return PublishedTable(
        layer=LAYER,
        name=name,
        folder=folder.relative_to(paths.data_root).as_posix(),
        rows=frame.height,
        content_hash=content_hash.hash_frame(frame.drop(table.unhashed, strict=False), table.keys),
        as_of=newest.isoformat() if isinstance(newest, date) else None,
        facts={"engine": engine},
    )


def publish_landed(landing: Landing, world: World) -> dict[str, int]:
    """Bring what the ledger holds and the tables do not into the tables, in one manifest move.

    Returns the new rows by table. Doing it twice changes nothing: rows are replaced by key.
    """
    paths, ledger, engine = landing.paths, landing.ledger, landing.log.engine
    with locked(paths.data_root / ".stream.lock"):
        ranges: list[LandedRange] = []
        tables, added = [], {}
        for name, table in STREAM_TABLES.items():
            if table.topic is None:
                continue
            is_new = current_table(paths, name, engine) is None
            fresh = ledger.ranges(table.topic, unpublished=not is_new)
            if not fresh and not is_new:
                continue
            ranges += fresh
            messages = landing.read(fresh)
            rows = (
                pl.DataFrame(schema=table.schema)
                if messages.is_empty()
                else typed_rows(messages, table)
            )
            tables.append(write_rows(paths, name, engine, rows))
            added[name] = rows.height
        if tables:
            published.publish_stream(paths, tables, world)
            ledger.mark_published(ranges)
    return added


def publish_parity(landing: Landing, found: Parity, world: World) -> None:
    """Publish the parity of these days and, where a day passed, what the batch mended."""
    paths, engine = landing.paths, landing.log.engine
    with locked(paths.data_root / ".stream.lock"):
        faults = list(found.faults())
        changed = [write_rows(paths, "parity", engine, found.rows)]
        frames = zip(COMPARED, (found.bars, found.indicators, found.alerts), strict=True)
        for name, rows in frames:
            sound = ~pl.col("session_date").cast(pl.String).is_in(faults)
            mended = rows.filter((pl.col("revision") > 0) & sound)
            if mended.height:
                changed.append(write_rows(paths, name, engine, mended))
        published.publish_stream(paths, changed, world)


def status_rows(landing: Landing, topics: Sequence[str], now: datetime) -> pl.DataFrame:
    """One row per topic and partition in STATUS form; `now` is UTC without zone."""
    rows = []
    for topic, ends in landing.log.end_offsets(topics).items():
        starts, marks = landing.ledger.next_offsets(topic), landing.ledger.watermarks(topic)
        for partition, end in sorted(ends.items()):
            start, mark = starts.get(partition, 0), marks.get(partition)
            rows.append((topic, partition, start, end, end - start, mark, now, landing.log.engine))
    schema = dict(STREAM_TABLES["status"].schema) | {"watermark_at": pl.Int64()}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.from_epoch("watermark_at", time_unit="us"))


def publish_status(landing: Landing, topics: Sequence[str], world: World, now: datetime) -> None:
    """Publish `stream/status` as the log and the ledger stand now."""
    rows = status_rows(landing, topics, now)
    table = write_rows(landing.paths, "status", landing.log.engine, rows, whole=True)
    published.publish_stream(landing.paths, [table], world)
