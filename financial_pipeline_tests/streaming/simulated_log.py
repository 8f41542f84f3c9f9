"""A broker in memory, and a stand-in for the Flink job between its topics; both obey a seed."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.schemas import stream
from financial_pipeline.streaming.judgement import judge
from financial_pipeline.streaming.message_log import MESSAGES, FileLog, Ranges, Record, TopicState
from financial_pipeline.streaming.replay import PARTITIONS, Replay, encode, partition_of

PARTS = range(PARTITIONS)
WIDTH_US = 60_000_000


@dataclass
class Topic:
    """One topic from its creation to its deletion; None is the mark of a transaction."""

    id: str
    records: dict[int, list[Record | None]] = field(default_factory=lambda: {p: [] for p in PARTS})
    firsts: dict[int, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))

    def rows(self, partition: int, start: int, end: int) -> list[tuple[object, ...]]:
        """The messages of a range in MESSAGES form, deleted ones included."""
        found = enumerate(self.records[partition][start:end], start)
        return [(partition, offset, *record) for offset, record in found if record is not None]


class SimulatedLog(FileLog):
    """A log with a broker's ids of topics, deleted beginnings and gaps between offsets."""

    def __init__(self, engine: str) -> None:
        self.engine, self.identity = engine, f"{engine}:one"
        self.topics: dict[str, Topic] = {}
        # Every topic that there ever was, by its id.
        self.incarnations: dict[str, Topic] = {}
        self.step: Callable[..., object] = lambda _name, action, arguments: action(*arguments)

    def create(self, name: str) -> Topic:
        """Make a topic; one of the same name is deleted."""
        topic = Topic(f"{name}#{len(self.incarnations)}")
        self.topics[name] = self.incarnations[topic.id] = topic
        return topic

    def end_offsets(self, topics: Sequence[str]) -> dict[str, dict[int, int]]:
        return {
            name: {part: len(all_of) for part, all_of in self.topics[name].records.items()}
            if name in self.topics
            else {}
            for name in topics
        }

    def states(self, topics: Sequence[str]) -> dict[str, TopicState]:
        ends = self.end_offsets(topics)
        return {
            name: TopicState(dict(self.topics[name].firsts), ends[name], self.topics[name].id)
            for name in topics
            if name in self.topics
        }

    def read(self, topic: str, ranges: Ranges) -> pl.DataFrame:
        known, rows = self.topics.get(topic), []
        for part, (start, end) in sorted(ranges.items()):
            if known is None or start < known.firsts[part]:
                raise PipelineError(f"{topic} cannot be read from the ledger's offset on.")
            rows += known.rows(part, start, end)
        return pl.DataFrame(rows, schema=MESSAGES, orient="row")

    def append(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        known = self.topics.get(topic) or self.create(topic)
        self.step("append", known.records[partition].extend, (records,))
        return len(known.records[partition])


@dataclass
class Job:
    """The Flink job as its contract describes it: each message once, each window once."""

    log: SimulatedLog
    replay: Replay = field(default_factory=Replay)
    read: dict[int, int] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    emitted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # Messages behind the watermark of the job, by partition and offset.
    behind: set[tuple[int, int]] = field(default_factory=set)

    def run(self, rng: random.Random, topic: Topic) -> None:
        """Read the rest of the raw topic, its partitions in any order, and emit what follows."""
        while waiting := [p for p in PARTS if self.read[p] < len(topic.records[p])]:
            part = rng.choice(waiting)
            record = topic.records[part][self.read[part]]
            if record is not None:
                self._take(part, self.read[part], record)
            self.read[part] += 1
        # `finish` adds to the outputs and changes nothing else.
        outputs = defaultdict(list, {name: [*rows] for name, rows in self.replay.outputs.items()})
        for name, rows in replace(self.replay, outputs=outputs).finish(PARTS).items():
            for row in rows[self.emitted[name] :]:
                self._emit(rng, name, row)
            self.emitted[name] = len(rows)

    def _take(self, part: int, offset: int, record: Record) -> None:
        moment, _, value = record
        found, marks = judge(value, moment), self.replay.watermarks
        mark = min(marks.get(each, 0) for each in PARTS)
        counts = not (found.reason or found.is_late or found.is_heartbeat)
        if counts and found.fields["event_us"] // WIDTH_US * WIDTH_US + WIDTH_US <= mark:
            origin = {"source_partition": part, "source_offset": offset, "record_ms": moment}
            row = {"reason": stream.BEHIND_THE_JOB, **origin, **found.fields}
            self.replay.outputs[stream.LATE_TOPIC].append(row)
            self.behind.add((part, offset))
            marks[part] = max(marks.get(part, 0), found.watermark_us or 0)
            return
        self.replay.add(part, offset, moment, value)

    def _emit(self, rng: random.Random, name: str, row: dict[str, object]) -> None:
        origin = row.get("source_partition")
        key = str(row.get("symbol") or origin)
        part = partition_of(key) if origin is None else int(str(origin))
        moment = row.get("record_ms") or int(str(row["window_start_us"])) // 1000
        record = (int(str(moment)), key.encode(), encode(row))
        # A sink without transactions repeats itself after a restart.
        self.log.append(name, part, [record] * rng.choice((1, 1, 1, 1, 1, 2)))
        if rng.random() < 0.1:
            self.log.topics[name].records[part].append(None)
