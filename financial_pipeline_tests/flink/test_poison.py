"""Messages that nobody should send: each is counted and kept, and the job never restarts."""

import base64
from dataclasses import dataclass

import pytest

from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.paths import Paths
from financial_pipeline.schemas import stream
from financial_pipeline.streaming import parity
from financial_pipeline.streaming.landing import Landing
from financial_pipeline_tests.flink.worlds import World
from financial_pipeline_tests.streaming.engines import Tables, tables_of
from financial_pipeline_tests.streaming.stream_world import (
    DAYS,
    MINUTE_US,
    OPENINGS_US,
    SYMBOLS,
    Sent,
    broken,
    heartbeats,
    session,
)

DUPLICATES = 7
Planted = dict[tuple[int, int], tuple[str, bytes | None]]


@dataclass(frozen=True)
class Poisoned:
    """The planted messages and their results."""

    # Reason and value by partition and offset.
    planted: Planted
    trades: int
    tables: Tables
    landing: Landing
    restarts: int | None


def poisonous_session() -> tuple[list[Sent], Planted, int]:
    """A session that begins with poison, meets it in the middle again and ends with duplicates."""
    faults = broken(OPENINGS_US[0] + MINUTE_US)
    sound = session(OPENINGS_US[0], 10, seed=9, faults=False)
    trades = [one for one in sound if one[1][1] in [symbol.encode() for symbol in SYMBOLS]]
    poison = [
        (number % 3, (OPENINGS_US[0] // 1000, b"JPM", text))
        for number, (_, text) in enumerate(faults)
    ]
    middle = len(sound) // 2
    messages = [*poison, *sound[:middle], *poison, *sound[middle:-3], *trades[-DUPLICATES:]]
    messages += heartbeats(OPENINGS_US[0] + 20 * MINUTE_US, 9_999)
    reasons = {id(text): reason for reason, text in faults}
    planted: Planted = {}
    offsets = [0, 0, 0]
    for partition, (_, _, value) in messages:
        if id(value) in reasons:
            planted[partition, offsets[partition]] = reasons[id(value)], value
        offsets[partition] += 1
    return messages, planted, len(trades)


@pytest.fixture(scope="module")
def poisoned(runtime: LocalRuntime, tmp_path_factory: pytest.TempPathFactory) -> Poisoned:
    messages, planted, trades = poisonous_session()
    world = World(runtime)
    world.send(messages)
    with world.job() as job_id:
        world.wait_until_read(job_id)
        restarts = world.restarts(job_id)
    folder = tmp_path_factory.mktemp("poisoned")
    tables = tables_of(world.log, folder)
    return Poisoned(planted, trades, tables, Landing(Paths(folder), world.log), restarts)


def test_the_job_never_starts_anew(poisoned: Poisoned) -> None:
    assert poisoned.restarts == 0


def test_each_poison_is_kept_with_reason_bytes_and_offset(poisoned: Poisoned) -> None:
    rows = poisoned.tables["dead_letters"].to_dicts()
    found = {(row["source_partition"], row["source_offset"]): row for row in rows}
    assert len(rows) == len(found) == len(poisoned.planted)
    for place, (reason, value) in poisoned.planted.items():
        row = found[place]
        kept = None if row["payload"] is None else base64.b64decode(row["payload"])
        assert row["reason"] == reason, place
        assert kept == (value if value is None else value[: stream.MAX_MESSAGE_BYTES]), place
        assert row["payload_bytes"] == (None if value is None else len(value)), place


def test_what_is_sound_around_the_poison_is_counted(poisoned: Poisoned) -> None:
    counted = poisoned.tables["market_bars_1m"]["message_count"].sum()
    late = poisoned.tables["late_messages"]
    # What comes behind the watermark that others have moved meanwhile is late, and nothing is lost.
    assert counted + late.height == poisoned.trades + DUPLICATES
    assert set(late["reason"]) <= {stream.BEHIND_THE_JOB}


def test_the_batch_explains_every_message_and_takes_the_duplicates_out(poisoned: Poisoned) -> None:
    found = parity.compare(poisoned.landing, *DAYS)
    (row,) = found.rows.to_dicts()
    assert (row["passed"], row["open"]) == (True, 3)
    assert (row["duplicates"], row["dead_lettered"]) == (DUPLICATES, len(poisoned.planted))
    assert found.bars["message_count"].sum() == poisoned.trades
