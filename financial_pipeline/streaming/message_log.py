"""A log of messages by topic, partition and offset: the messages that a broker keeps, read by exact
range.

`MessageLog` is the interface that landing needs. `FileLog` keeps one in immutable Parquet files,
for the brokerless replay and for tests; the one on Kafka is in `kafka_log.py`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from financial_pipeline.files import replacing

# Partition, offset, record timestamp (milliseconds since 1970), key and value of each message.
MESSAGES: Final[dict[str, pl.DataType]] = {
    "kafka_partition": pl.Int64(),
    "kafka_offset": pl.Int64(),
    "record_ms": pl.Int64(),
    "key": pl.Binary(),
    "value": pl.Binary(),
}
# Partition -> first offset wanted and the offset after the last.
Ranges = Mapping[int, tuple[int, int]]
# Record timestamp, key, value.
Record = tuple[int, bytes | None, bytes | None]


@dataclass(frozen=True)
class TopicState:
    """The offsets of a topic's partitions: of the oldest message kept, and after the last one.

    `id` tells the topic from an earlier one of its name; empty if the log has no such ids.
    """

    firsts: dict[int, int]
    ends: dict[int, int]
    id: str = ""


class MessageLog(Protocol):
    """A log that returns its ends and the messages of exact ranges."""

    @property
    def engine(self) -> str:
        """Return the engine behind the aggregates in this log: `flink` or `replay`."""
        ...

    @property
    def identity(self) -> str:
        """Return the identity of this log; offsets mean nothing in another one."""
        ...

    def end_offsets(self, topics: Sequence[str]) -> dict[str, dict[int, int]]:
        """The offset after the last readable message, by topic and partition."""
        ...

    def states(self, topics: Sequence[str]) -> dict[str, TopicState]:
        """The state of each of these topics that exists."""
        ...

    def read(self, topic: str, ranges: Ranges) -> pl.DataFrame:
        """The messages of the ranges in MESSAGES form, by partition and offset."""
        ...


class FileLog:
    """A log in a folder: `<topic>/<partition>-<start>-<end>.parquet`, each written once."""

    engine = "replay"
    identity = "replay"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _segments(self, topic: str) -> list[tuple[int, int, int, Path]]:
        files = (self._folder / topic).glob("[!.]*.parquet")
        names = [([int(part) for part in path.stem.split("-")], path) for path in files]
        return sorted((part, start, end, path) for (part, start, end), path in names)

    def end_offsets(self, topics: Sequence[str]) -> dict[str, dict[int, int]]:
        """The offset after the last message, by topic and partition."""
        return {
            topic: {partition: end for partition, _, end, _ in self._segments(topic)}
            for topic in topics
        }

    def states(self, topics: Sequence[str]) -> dict[str, TopicState]:
        """See `MessageLog`; files are never deleted from the front."""
        return {
            topic: TopicState(dict.fromkeys(ends, 0), ends)
            for topic, ends in self.end_offsets(topics).items()
        }

    def read(self, topic: str, ranges: Ranges) -> pl.DataFrame:
        """The messages of the ranges in MESSAGES form, by partition and offset."""
        files = [
            path
            for partition, start, end, path in self._segments(topic)
            if partition in ranges and start < ranges[partition][1] and end > ranges[partition][0]
        ]
        if not files:
            return pl.DataFrame(schema=MESSAGES)
        wanted = pl.any_horizontal(
            (pl.col("kafka_partition") == partition)
            & pl.col("kafka_offset").is_between(start, end, closed="left")
            for partition, (start, end) in ranges.items()
        )
        frame = pl.concat([pl.read_parquet(path) for path in files])
        return frame.filter(wanted).sort("kafka_partition", "kafka_offset")

    def append(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        """Add records behind the last one, in one rename; returns the new end offset."""
        start = self.end_offsets([topic])[topic].get(partition, 0)
        if not records:
            return start
        frame = pl.DataFrame(
            [(partition, start + row, *record) for row, record in enumerate(records)],
            schema=MESSAGES,
            orient="row",
        )
        end = start + len(records)
        target = self._folder / topic / f"{partition}-{start}-{end}.parquet"
        with replacing(target) as temporary:
            frame.write_parquet(temporary)
        return end


class FileSink:
    """Writes one topic of a FileLog, as a `Sink` does on a broker: all of it with `flush`."""

    def __init__(self, log: FileLog, topic: str, partitions: int) -> None:
        self._log = log
        self._topic = topic
        self._unsent: dict[int, list[Record]] = defaultdict(list)
        self.partitions = partitions

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        """See `Sink`."""
        self._unsent[partition].append((record_ms, key, value))

    def flush(self) -> None:
        """See `Sink`."""
        for partition, records in self._unsent.items():
            self._log.append(self._topic, partition, records)
        self._unsent.clear()
