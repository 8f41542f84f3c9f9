"""The ledger of landed offset ranges: SQLite in WAL mode, moved in one guarded transaction.

A range counts once it is in the ledger. Its file is written and renamed first; the ledger then
moves only if every range still starts at its offset, so two runs can never land a message twice.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.control import RESET

BUSY_SECONDS = 30.0
FIELDS = ("topic", "partition", "start", "end", "file", "rows", "days", "watermark_us", "id")
TABLES = """
create table if not exists identity (log text not null);
create table if not exists ledger (id text not null);
create table if not exists topics (
    topic text primary key, id text not null, partitions integer not null
);
create table if not exists offsets (
    topic text, partition integer, next_offset integer not null, primary key (topic, partition)
);
create table if not exists ranges (
    id integer primary key, topic text not null, partition integer not null,
    start_offset integer not null, end_offset integer not null, file text not null,
    rows integer not null, days text not null, watermark_us integer,
    landed_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    run_id text not null, is_published integer not null default 0,
    unique (topic, partition, start_offset)
);
create table if not exists compared (day text primary key, range_id integer not null);
create index if not exists unpublished on ranges (is_published) where is_published = 0;
"""


class RangeTaken(PipelineError):
    """Another run landed this range, or a part of it, first; nothing was changed."""


@dataclass(frozen=True)
class LandedRange:
    """One landed range: offsets `start` up to `end` (excluded), in the file of this name.

    `days` maps trading days (ISO) to their rows; `watermark_us` is the highest event time of the
    range that no earlier message can follow, or None if its messages do not show it.
    """

    topic: str
    partition: int
    start: int
    end: int
    file: str
    rows: int
    days: dict[str, int]
    watermark_us: int | None = None
    id: int | None = None


class Ledger:
    """The ledger file of one log; raises PipelineError where it belongs to another log."""

    def __init__(self, file: Path, identity: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        try:
            with self._connection() as connection:
                connection.execute("pragma journal_mode = wal")
                connection.executescript(TABLES)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            raise PipelineError(
                f"The ledger {file} is damaged; restore it from a backup, or remove its folder to"
                " land the log from its start again."
            ) from None
        with self._connection(writes=True) as connection:
            held = connection.execute("select log from identity").fetchone()
            if held is None:
                connection.execute("insert into identity values (?)", [identity])
            elif held[0] != identity:
                raise PipelineError(
                    f"The messages landed so far are of the Kafka cluster {held[0]}, and {identity}"
                    f" answers now. Start the cluster that they came from. If it is gone: {RESET}"
                )
            if connection.execute("select id from ledger").fetchone() is None:
                connection.execute("insert into ledger values (?)", [uuid.uuid4().hex])

    @contextmanager
    def _connection(self, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._file, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            if not writes:
                yield connection
                return
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")
        finally:
            connection.close()

    @cached_property
    def id(self) -> str:
        """The id of this ledger; tables made from another one are not merged with its rows."""
        with self._connection() as connection:
            return str(connection.execute("select id from ledger").fetchone()[0])

    def require_same(self, topic: str, topic_id: str, partitions: int) -> None:
        """Raise PipelineError if a topic is not the one whose messages landed first."""
        with self._connection(writes=True) as connection:
            query = "select id, partitions from topics where topic = ?"
            held = connection.execute(query, [topic]).fetchone()
            if held is None:
                row = [topic, topic_id, partitions]
                connection.execute("insert into topics values (?, ?, ?)", row)
            elif held[0] != topic_id:
                raise PipelineError(recreated_topic(topic))
            elif held[1] != partitions:
                raise PipelineError(
                    f"The topic {topic} has {partitions} partitions and had {held[1]} when its"
                    " first messages landed: symbols changed their partition, and their messages"
                    f" are out of order. {RESET}"
                )

    def next_offsets(self, topic: str) -> dict[int, int]:
        """The first offset that has not landed, by partition; none where nothing has."""
        with self._connection() as connection:
            query = "select partition, next_offset from offsets where topic = ?"
            return dict(connection.execute(query, [topic]).fetchall())

    def commit(self, ranges: Iterable[LandedRange], run_id: str) -> None:
        """Commit the ranges, all or none; raises RangeTaken if one starts elsewhere by now."""
        with self._connection(writes=True) as connection:
            for landed in ranges:
                _move(connection, landed)
                connection.execute(
                    "insert into ranges (topic, partition, start_offset, end_offset, file, rows,"
                    " days, watermark_us, run_id) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        landed.topic,
                        landed.partition,
                        landed.start,
                        landed.end,
                        landed.file,
                        landed.rows,
                        json.dumps(landed.days),
                        landed.watermark_us,
                        run_id,
                    ],
                )

    def ranges(self, topic: str, *, unpublished: bool = False) -> list[LandedRange]:
        """The landed ranges of a topic in order of landing."""
        query = (
            "select topic, partition, start_offset, end_offset, file, rows, days, watermark_us, id"
            " from ranges where topic = ?" + (" and is_published = 0" if unpublished else "")
        )
        with self._connection() as connection:
            rows = connection.execute(f"{query} order by id", [topic]).fetchall()
        named = [dict(zip(FIELDS, row, strict=True)) for row in rows]
        return [LandedRange(**(one | {"days": json.loads(one["days"])})) for one in named]

    def mark_published(self, ranges: Sequence[LandedRange], *, value: bool = True) -> None:
        """Note that the published tables hold these ranges (or hold them no longer)."""
        with self._connection(writes=True) as connection:
            connection.executemany(
                "update ranges set is_published = ? where id = ?",
                [(int(value), landed.id) for landed in ranges],
            )

    def watermarks(self, topic: str) -> dict[int, int]:
        """The highest watermark of each partition that has one, microseconds since 1970."""
        query = (
            "select partition, max(watermark_us) from ranges where topic = ?"
            " and watermark_us is not null group by partition"
        )
        with self._connection() as connection:
            return dict(connection.execute(query, [topic]).fetchall())

    def newest_range(self) -> int:
        """The id of the newest landed range; 0 before the first one."""
        with self._connection() as connection:
            return int(connection.execute("select coalesce(max(id), 0) from ranges").fetchone()[0])

    def uncompared_days(self, topics: Sequence[str], runs: str) -> list[str]:
        """The trading days (sorted) of these topics that landed since they were last compared.

        Only landings by runs whose id starts with `runs` count.
        """
        query = (
            "select distinct days.key from ranges, json_each(ranges.days) as days"
            " left join compared on compared.day = days.key"
            f" where topic in ({', '.join('?' * len(topics))}) and run_id like ? || '%'"
            " and ranges.id > coalesce(compared.range_id, 0) order by days.key"
        )
        with self._connection() as connection:
            return [day for (day,) in connection.execute(query, [*topics, runs])]

    def compared(self) -> dict[str, int]:
        """The id of the newest range that each day (ISO) was compared with."""
        with self._connection() as connection:
            return dict(connection.execute("select day, range_id from compared").fetchall())

    def note_compared(self, days: Mapping[str, int]) -> None:
        """Note that each of these days was compared with all ranges up to the one with its id."""
        with self._connection(writes=True) as connection:
            connection.executemany(
                "insert into compared values (?, ?) on conflict (day) do update"
                " set range_id = max(range_id, excluded.range_id)",
                [*days.items()],
            )


def recreated_topic(topic: str) -> str:
    """Return the sentence about a topic that was deleted and created again."""
    return (
        f"The topic {topic} was deleted and created again after its messages landed, and the"
        f" ledger's offsets are those of other messages now. {RESET}"
    )


def _move(connection: sqlite3.Connection, landed: LandedRange) -> None:
    place = [landed.topic, landed.partition]
    # A log may have deleted its oldest messages before anything landed.
    connection.execute("insert or ignore into offsets values (?, ?, ?)", [*place, landed.start])
    moved = connection.execute(
        "update offsets set next_offset = ? where topic = ? and partition = ? and next_offset = ?",
        [landed.end, *place, landed.start],
    ).rowcount
    if not moved:
        raise RangeTaken(
            f"Another run has landed {landed.topic}/{landed.partition} from offset {landed.start}"
            " already; nothing was changed, and the next run continues from the ledger."
        )
