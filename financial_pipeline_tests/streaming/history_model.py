"""The right result of landing and publishing a simulated log, from the messages alone."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.content_hash import hash_frame
from financial_pipeline.publishing.manifest import channel_tables, is_published
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.schemas import stream
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming.message_log import MESSAGES, Record
from financial_pipeline_tests.streaming.simulated_log import WIDTH_US, SimulatedLog

AGGREGATED, LATE, HEARTBEAT = "aggregated", stream.BEHIND_ITS_PRODUCER, "heartbeat"
# Reasons that come before that of a time in the future.
FIRST_REASONS = stream.DEAD_LETTER_REASONS[: stream.DEAD_LETTER_REASONS.index("from_the_future")]
RANGES = (
    "select id, topic, partition, start_offset, end_offset, file, rows, days from ranges"
    " where id > ? order by id"
)
Place = tuple[int, int]
BarKey = tuple[str, int]


@dataclass(frozen=True)
class Sent:
    """A message of the producer: its fields, and why it is broken on purpose, if it is."""

    fields: dict[str, Any]
    value: bytes | None
    reason: str | None = None

    def verdict(self, record_ms: int) -> str:
        """Return what the contract makes of it, by this record timestamp."""
        if self.reason in FIRST_REASONS:
            return str(self.reason)
        event, mark = self.fields["event_us"], self.fields["watermark_us"]
        if max(event, mark) // 1000 > record_ms + 60_000:
            return "from_the_future"
        if self.reason:
            return self.reason
        if self.fields["symbol"] == stream.HEARTBEAT_SYMBOL:
            return HEARTBEAT
        return LATE if event // 1000 < mark // 1000 else AGGREGATED


@dataclass
class Model:
    """The raw messages of one log with their verdicts, and what has landed of all topics."""

    log: SimulatedLog
    sent: dict[Place, tuple[Sent, str]] = field(default_factory=dict)
    # Topic and partition -> the next offset; and the ranges that the ledger skipped as lost.
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    lost: list[tuple[str, int, int, int]] = field(default_factory=list)
    landed: dict[str, list[tuple[object, ...]]] = field(default_factory=lambda: defaultdict(list))
    seen: int = 0

    def note(self, place: Place, message: Sent, record: Record) -> None:
        """Note a message that was sent to the raw topic."""
        self.sent[place] = message, message.verdict(record[0])

    def check_ledger(self, folder: Path) -> None:
        """Require that new ranges follow the earlier ones and contain the log's own messages."""
        file = folder / "ledger.sqlite"
        if not file.exists():
            return
        with closing(sqlite3.connect(file)) as connection:
            if not connection.execute("select * from sqlite_master").fetchall():
                return
            found = connection.execute(RANGES, [self.seen]).fetchall()
            offsets = connection.execute("select * from offsets").fetchall()
            ids = dict(connection.execute("select topic, id from topics").fetchall())
        for number, topic, *rest in found:
            self._check_range(folder, topic, ids[topic], *rest)
            self.seen = number
        assert {(topic, part): end for topic, part, end in offsets} == self.ends

    def _check_range(
        self, folder: Path, topic: str, topic_id: str, part: int, start: int, end: int,
        file: str, rows: int, days: str,
    ) -> None:  # fmt: skip
        known = self.log.incarnations[topic_id]
        before = self.ends.get((topic, part))
        assert start < end
        assert start == before or (before is None and start <= known.firsts[part])
        self.ends[topic, part] = end
        if before is None and start:
            self.lost.append((topic, part, 0, start))
        if not file:
            assert end <= known.firsts[part], "messages were skipped that the log still holds"
            self.lost.append((topic, part, start, end))
            return
        expected = known.rows(part, start, end)
        frame = pl.read_parquet(folder / file)
        assert frame.select(*MESSAGES).rows() == expected, (topic, part, start, end)
        assert rows == len(expected) == sum(json.loads(days).values())
        self.landed[topic] += expected

    def expected_keys(self, name: str) -> set[tuple[object, ...]]:
        """Return the keys of a table of a topic, from its landed messages."""
        table = STREAM_TABLES[name]
        contents = (json.loads(str(bytes(row[4]), "utf-8")) for row in self.landed[table.topic])
        return {
            tuple(content[key] for key in table.keys)
            for content in contents
            if content.get("symbol") != stream.HEARTBEAT_SYMBOL
        }

    def emitted_bars(self) -> dict[BarKey, tuple[object, ...]]:
        """Return close, volume and messages of each landed bar of the job."""
        contents = [json.loads(bytes(row[4])) for row in self.landed[stream.BARS_TOPIC]]
        return {
            (row["symbol"], row["window_start_us"]): (
                Decimal(row["close"]), row["volume"], row["message_count"]
            )
            for row in contents
            if row["symbol"] != stream.HEARTBEAT_SYMBOL
        }  # fmt: skip

    def readable(self) -> Iterable[Sent]:
        """Yield the messages that the batch counts, each symbol and sequence once."""
        seen = set()
        for message, verdict in self.sent.values():
            key = message.fields.get("symbol"), message.fields.get("sequence")
            if verdict in (AGGREGATED, LATE) and key not in seen:
                seen.add(key)
                yield message

    def true_bars(self) -> dict[BarKey, tuple[object, ...]]:
        """Return close, volume and messages of each bar, of all readable messages."""
        windows: dict[BarKey, list[dict[str, Any]]] = defaultdict(list)
        for message in self.readable():
            row = message.fields
            windows[row["symbol"], row["event_us"] // WIDTH_US * WIDTH_US].append(row)
        return {
            key: (
                Decimal(max(rows, key=lambda row: (row["event_us"], row["sequence"]))["close"]),
                sum(row["volume"] for row in rows),
                len(rows),
            )
            for key, rows in windows.items()
        }

    def dead(self) -> dict[Place, str]:
        """Return the reasons of all dead letters by partition and offset."""
        reasons = set(stream.DEAD_LETTER_REASONS)
        return {place: verdict for place, (_, verdict) in self.sent.items() if verdict in reasons}

    def late(self) -> set[Place]:
        """Return the places of the messages that are behind their producer."""
        return {place for place, (_, verdict) in self.sent.items() if verdict == LATE}

    def duplicates(self) -> int:
        """Return how many readable messages were there before."""
        verdicts = [verdict for _, verdict in self.sent.values()]
        return sum(each in (AGGREGATED, LATE) for each in verdicts) - len([*self.readable()])


def rows_of(paths: Paths, name: str) -> pl.DataFrame:
    """Return the rows of the current version of a stream table; none if there is none."""
    table = channel_tables(paths, "stream").get(f"stream/{name}")
    if table is None:
        return pl.DataFrame(schema=STREAM_TABLES[name].columns)
    return pl.read_parquet(parquet_files(paths, table))


def check_whole(paths: Paths, checked: set[str]) -> None:
    """Require that each current table has all its files, by content hash; `checked` once only."""
    if not is_published(paths):
        return
    for table in channel_tables(paths, "stream").values():
        if table.folder in checked:
            continue
        contract = STREAM_TABLES[table.name]
        rows = pl.read_parquet(parquet_files(paths, table))
        assert rows.height == table.rows
        assert hash_frame(rows.drop(contract.unhashed), contract.keys) == table.content_hash
        checked.add(table.folder)
