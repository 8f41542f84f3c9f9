"""Land an exact offset range: one immutable Parquet file each, then the ledger."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import replacing
from financial_pipeline.paths import Paths
from financial_pipeline.sources.bank_prices import EARLIEST
from financial_pipeline.sources.market_calendar import sessions
from financial_pipeline.streaming.ledger import LandedRange, Ledger, RangeTaken, recreated_topic
from financial_pipeline.streaming.message_log import MESSAGES, MessageLog, Ranges, TopicState
from financial_pipeline.streaming.trading_days import with_days

# Messages of one partition that one landing takes at most, which bounds its memory.
LARGEST_RANGE = 200_000
CALENDAR_END = 2035


@dataclass(frozen=True)
class Landing:
    """One log and where its ranges land: `raw/stream/<engine>/<topic>/` and the ledger."""

    paths: Paths
    log: MessageLog
    # Width of the bars that the log's engine makes.
    bar_seconds: int = 60

    @property
    def folder(self) -> Path:
        """The folder of the landed ranges."""
        return self.paths.landed_stream(self.log.engine)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of this log."""
        return Ledger(self.folder / "ledger.sqlite", self.log.identity)

    def waiting(self, topics: tuple[str, ...]) -> dict[str, dict[int, tuple[int, int]]]:
        """The ranges that the log holds and the ledger does not, by topic and partition.

        Raises PipelineError if a topic is not the one whose messages landed, or messages are lost.
        """
        found = {}
        for topic, state in self.log.states(topics).items():
            starts = self._starts(topic, state)
            for partition, start in starts.items():
                if start < state.firsts[partition]:
                    raise PipelineError(
                        f"The broker deleted messages {start} to {state.firsts[partition] - 1} of"
                        f" {topic}/{partition} before they landed: raise the topic's retention. Run"
                        " `financial-pipeline stream land --skip-lost` to land the rest; trading"
                        " days of lost messages differ from the batch and keep their old tables."
                    )
            ranges = {
                partition: (starts[partition], end)
                for partition, end in state.ends.items()
                if end > starts[partition]
            }
            if ranges:
                found[topic] = ranges
        return found

    def _starts(self, topic: str, state: TopicState) -> dict[int, int]:
        """The first offset of each partition that has not landed, of this topic and no other."""
        self._require_same(topic, state)
        starts = state.firsts | self.ledger.next_offsets(topic)
        if any(start > state.ends.get(partition, 0) for partition, start in starts.items()):
            raise PipelineError(recreated_topic(topic))
        return starts

    def _require_same(self, topic: str, state: TopicState | None) -> None:
        """Raise PipelineError unless a topic is the one whose messages landed first."""
        if state is None:
            raise PipelineError(recreated_topic(topic))
        if state.id:
            self.ledger.require_same(topic, state.id, len(state.ends))

    def skip_lost(self, topics: tuple[str, ...], run_id: str) -> int:
        """Move the ledger over messages that the log deleted before they landed; their number."""
        lost = [
            LandedRange(topic, partition, start, state.firsts[partition], "", rows=0, days={})
            for topic, state in self.log.states(topics).items()
            for partition, start in self._starts(topic, state).items()
            if start < state.firsts[partition]
        ]
        self.ledger.commit(lost, run_id)
        return sum(one.end - one.start for one in lost)

    def land(self, topic: str, ranges: Ranges, run_id: str) -> list[LandedRange]:
        """Land these ranges of one topic; raises RangeTaken where another run was first.

        A range longer than LARGEST_RANGE lands in parts. Returns the landed ranges.
        """
        landed = []
        rest = dict(ranges)
        while rest:
            part = {
                partition: (start, min(end, start + LARGEST_RANGE))
                for partition, (start, end) in rest.items()
            }
            landed += self._land_part(topic, part, run_id)
            rest = {
                partition: (part[partition][1], end)
                for partition, (_, end) in rest.items()
                if part[partition][1] < end
            }
        return landed

    def land_rest(self, topic: str, ranges: Ranges, run_id: str) -> list[LandedRange]:
        """Land these ranges of one topic, or what another run leaves of the topic if it was first.

        Returns the ranges that this call landed.
        """
        while ranges:
            try:
                return self.land(topic, ranges, run_id)
            except RangeTaken:
                # The other run has moved the ledger, so each try begins further on.
                ranges = self.waiting((topic,)).get(topic, {})
        return []

    def _land_part(self, topic: str, ranges: Ranges, run_id: str) -> list[LandedRange]:
        calendar = sessions(EARLIEST, EARLIEST.replace(year=CALENDAR_END))
        read = self.log.read(topic, ranges)
        # The ranges may have been chosen before the topic was recreated. Its earlier id never
        # returns, so the messages read before this check are those of the topic that landed first.
        self._require_same(topic, self.log.states((topic,)).get(topic))
        messages, marks = with_days(topic, read, calendar, self.bar_seconds)
        marked = messages.with_columns(_mark=marks)
        landed = [
            self._write(
                topic, partition, span, marked.filter(pl.col("kafka_partition") == partition)
            )
            for partition, span in ranges.items()
        ]
        self.ledger.commit(landed, run_id)
        return landed

    def _write(
        self, topic: str, partition: int, span: tuple[int, int], rows: pl.DataFrame
    ) -> LandedRange:
        target = self.folder / topic / f"{partition}-{span[0]}-{span[1]}.parquet"
        with replacing(target) as temporary:
            rows.drop("_mark").write_parquet(temporary, compression="zstd")
        days = rows.group_by("trading_date").len().sort("trading_date").iter_rows()
        mark = rows["_mark"].max()
        return LandedRange(
            topic,
            partition,
            *span,
            file=target.relative_to(self.folder).as_posix(),
            rows=rows.height,
            days={day.isoformat(): count for day, count in days},
            watermark_us=int(mark) if isinstance(mark, int) else None,
        )

    def read(self, ranges: list[LandedRange]) -> pl.DataFrame:
        """The landed messages of these ranges, with `trading_date`."""
        files = [self.folder / landed.file for landed in ranges if landed.rows]
        if not files:
            return pl.DataFrame(schema=MESSAGES | {"trading_date": pl.Date()})
        return pl.concat(
            [pl.read_parquet(file, columns=[*MESSAGES, "trading_date"]) for file in files]
        )

    def read_days(self, topic: str, first: str, last: str) -> pl.DataFrame:
        """The landed messages of the trading days `first` to `last` (ISO), both included."""
        ranges = [
            landed
            for landed in self.ledger.ranges(topic)
            if any(first <= day <= last for day in landed.days)
        ]
        frame = self.read(ranges)
        if frame.is_empty():
            return frame
        return frame.filter(
            pl.col("trading_date").is_between(
                pl.lit(first).str.to_date(), pl.lit(last).str.to_date()
            )
        )
