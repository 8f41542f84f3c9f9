"""The end of a simulated history: everything lands, and the tables are those of the model."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster import control
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import channel_tables
from financial_pipeline.streaming import micro_batch, parity, tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.logs import MARKET_TOPICS
from financial_pipeline_tests.streaming.history_model import rows_of
from financial_pipeline_tests.streaming.history_steps import WORLD, Steps
from financial_pipeline_tests.streaming.stream_world import DAYS

OF_TOPICS = ("market_bars_1m", "market_indicators_1m", "late_messages", "dead_letters")


def come_to_rest(steps: Steps) -> None:
    """Land everything, with the advice that refusals give, and check every table."""
    steps.restart()
    if steps.was_made_again:
        _refuse_other_topics(steps)
        control.reset(steps.paths.stream_runtime, [steps.paths.landed_streams])
        steps.start_over()
        steps.produce()
    steps.producer.come_to_rest()
    steps.run_job()
    _land(steps)
    steps.publish()
    steps.compare()
    steps.check()
    steps.batch()
    check_tables(steps)
    if steps.compares and not any(
        first for topic in steps.log.topics.values() for first in topic.firsts.values()
    ):
        _compare_with_one_landing(steps)


def _refuse_other_topics(steps: Steps) -> None:
    landing = steps.process()
    # The ledger is made when it is first asked.
    assert landing.ledger.id
    for topic, topic_id in registered(landing.folder).items():
        if steps.log.topics[topic].id != topic_id:
            with pytest.raises(PipelineError, match=r"created again.*stream reset"):
                landing.waiting((topic,))


def registered(folder: Path) -> dict[str, str]:
    """Return the ids of the topics that the ledger knows."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        return dict(connection.execute("select topic, id from topics").fetchall())


def _land(steps: Steps) -> None:
    landing, model = steps.process(), steps.model
    is_behind = any(
        first > model.ends.get((name, part), first)
        for name, topic in steps.log.topics.items()
        for part, first in topic.firsts.items()
    )
    if is_behind:
        with pytest.raises(PipelineError, match=r"before they landed.*--skip-lost"):
            landing.waiting(MARKET_TOPICS)
        assert landing.skip_lost(MARKET_TOPICS, "rest") > 0
    for topic, ranges in landing.waiting(MARKET_TOPICS).items():
        landing.land(topic, ranges, f"{micro_batch.COMMAND}rest")
    assert landing.waiting(MARKET_TOPICS) == {}


def check_tables(steps: Steps) -> None:
    """Require that each table has the rows of the model."""
    paths, model = steps.paths, steps.model
    for name in OF_TOPICS:
        keys = [column for column in tables.STREAM_TABLES[name].keys]
        found = rows_of(paths, name).select(keys).rows()
        assert len(found) == len(set(found))
        assert set(found) >= model.expected_keys(name), name
    found = rows_of(paths, "market_bars_1m")
    columns = ("symbol", "window_start_us", "close", "volume", "message_count")
    emitted = model.emitted_bars()
    for symbol, start, *rest in found.filter(revision=0).select(columns).rows():
        assert tuple(rest) == emitted[symbol, start]
    if not has_lost(steps):
        bars = {(row[0], row[1]): row[2:] for row in found.select(columns).rows()}
        assert bars == (model.true_bars() if steps.compares else emitted)
        _check_the_rest(steps)


def has_lost(steps: Steps) -> bool:
    """Return whether the log deleted messages that never landed."""
    return bool(steps.model.lost) or any(
        first > steps.model.ends.get((name, part), 0)
        for name, topic in steps.log.topics.items()
        for part, first in topic.firsts.items()
    )


def _check_the_rest(steps: Steps) -> None:
    model = steps.model
    origin = ("source_partition", "source_offset")
    dead = rows_of(steps.paths, "dead_letters").select(*origin, "reason").rows()
    assert {(part, offset): reason for part, offset, reason in dead} == model.dead()
    late = rows_of(steps.paths, "late_messages").select(origin).rows()
    assert set(late) == model.late() | steps.job.behind
    if not steps.compares:
        return
    days = rows_of(steps.paths, "parity")
    assert days["passed"].all(), days.to_dicts()
    assert days["produced"].sum() + days["open"].sum() == len(model.sent)
    assert days["duplicates"].sum() == model.duplicates()


def _compare_with_one_landing(steps: Steps) -> None:
    """Land the log once more, in one piece, and require equal content hashes."""
    landing = Landing(Paths(steps.root / "again"), steps.log)
    for topic, ranges in landing.waiting(MARKET_TOPICS).items():
        landing.land(topic, ranges, "again")
    tables.publish_landed(landing, WORLD)
    if steps.compares:
        tables.publish_parity(landing, parity.compare(landing, *DAYS), WORLD)
    first, again = (hashes(paths) for paths in (steps.paths, landing.paths))
    assert first == again


def hashes(paths: Paths) -> dict[str, str]:
    """Return the content hashes of the stream tables."""
    found = channel_tables(paths, "stream").values()
    return {table.name: table.content_hash for table in found if table.name != "status"}
