"""The engines that must keep the contract: from a raw topic to the rows of the stream tables."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.paths import Paths
from financial_pipeline.schemas import stream
from financial_pipeline.schemas.stream_tables import STREAM_TABLES
from financial_pipeline.streaming import recompute, replay
from financial_pipeline.streaming.landed_messages import typed_rows, with_window_start
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog, MessageLog
from financial_pipeline.streaming.parity import COMPARED
from financial_pipeline_tests.flink.worlds import World

Tables = dict[str, pl.DataFrame]
Engine = Callable[[FileLog, Path], Tables]
ORIGIN = ("source_partition", "source_offset", "reason")


def tables_of(log: MessageLog, folder: Path) -> Tables:
    """Land the output topics of a log, typed like the published tables."""
    landing = Landing(Paths(folder), log)
    for topic, ranges in landing.waiting(tuple(stream.TOPICS)).items():
        landing.land(topic, ranges, "test")
    tables = {}
    for name, table in STREAM_TABLES.items():
        if table.topic is not None:
            messages = landing.read(landing.ledger.ranges(table.topic))
            empty = pl.DataFrame(schema=table.columns)
            tables[name] = empty if messages.is_empty() else typed_rows(messages, table)
    return tables


def in_process(log: FileLog, folder: Path) -> Tables:
    """The brokerless replay."""
    replay.run(log)
    return tables_of(log, folder)


def flink(log: FileLog, folder: Path, runtime: LocalRuntime) -> Tables:
    """The Flink job, between topics of its own that begin as a copy of the log's raw topic."""
    world = World(runtime)
    ends = log.end_offsets([stream.RAW_TOPIC])[stream.RAW_TOPIC]
    messages = log.read(stream.RAW_TOPIC, {one: (0, end) for one, end in ends.items()})
    world.send((partition, record) for partition, _, *record in messages.iter_rows())
    world.run()
    return tables_of(world.log, folder)


def sql(log: FileLog, folder: Path) -> Tables:
    """The recomputation in DuckDB."""
    ends = log.end_offsets([stream.RAW_TOPIC])[stream.RAW_TOPIC]
    messages = log.read(stream.RAW_TOPIC, {one: (0, end) for one, end in ends.items()})
    judged = recompute.judge_messages(messages)
    mark = recompute.watermark(judged, replay.PARTITIONS)
    counted = judged.filter(pl.col("verdict") == recompute.AGGREGATED)
    made = recompute.recompute(counted, mark)
    named = {"kafka_partition": "source_partition", "kafka_offset": "source_offset"}
    late = judged.filter(pl.col("verdict") == recompute.LATE).with_columns(
        reason=pl.lit(stream.BEHIND_ITS_PRODUCER)
    )
    dead = judged.filter(pl.col("verdict") == recompute.DEAD_LETTER)
    frames = zip(COMPARED, (made.bars, made.indicators, made.alerts), strict=True)
    return {
        **{name: with_window_start(rows) for name, rows in frames},
        "late_messages": late.rename(named),
        "dead_letters": dead.rename(named),
    }


ENGINES: dict[str, Engine] = {"replay": in_process, "sql": sql}


def engine(name: str, request: pytest.FixtureRequest) -> Engine:
    """An engine by name; `flink` skips where it is not to be had."""
    if name == "flink":
        return partial(flink, runtime=request.getfixturevalue("runtime"))
    return ENGINES[name]
