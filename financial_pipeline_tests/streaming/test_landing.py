"""From a log to the published stream tables and their parity with the batch."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.schemas import stream
from financial_pipeline.streaming import micro_batch, parity, recompute, replay, tables
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog
from financial_pipeline.streaming.trading_days import judged_days
from financial_pipeline_tests.streaming import stream_world
from financial_pipeline_tests.streaming.stream_world import DAYS, OPENINGS_US

WORLD = {"source": "simulated"}
TOPICS = tuple(stream.TOPICS)
DAY_US = 24 * 3_600_000_000
EVERYTHING = {partition: (0, 1_000_000) for partition in range(8)}


def land_all(landing: Landing) -> None:
    for topic, ranges in landing.waiting(TOPICS).items():
        landing.land(topic, ranges, "test")


def table(landing: Landing, name: str) -> pl.DataFrame:
    version = read_manifest(landing.paths).table(f"stream/{name}")
    return pl.read_parquet(parquet_files(landing.paths, version))


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return stream_world.replayed_landing(tmp_path)


def test_publishing_twice_changes_nothing_until_a_file_is_lost(landing: Landing) -> None:
    land_all(landing)
    tables.publish_landed(landing, WORLD)
    before = read_manifest(landing.paths).tables
    assert landing.waiting(TOPICS) == tables.publish_landed(landing, WORLD) == {}
    assert read_manifest(landing.paths).tables == before
    once, bars = table(landing, "market_bars_1m"), before["stream/market_bars_1m"]
    assert bars.rows == once.height > 50
    parquet_files(landing.paths, bars)[0].unlink()
    assert tables.publish_landed(landing, WORLD) == {"market_bars_1m": once.height}
    assert table(landing, "market_bars_1m").equals(once)


def test_rows_that_were_landed_and_not_published_are_published_once(landing: Landing) -> None:
    land_all(landing)
    tables.publish_landed(landing, WORLD)
    once = table(landing, "market_bars_1m")
    # As after a kill between the manifest and the ledger.
    ranges = landing.ledger.ranges(stream.BARS_TOPIC)
    landing.ledger.mark_published(ranges, value=False)
    tables.publish_landed(landing, WORLD)
    assert table(landing, "market_bars_1m").equals(once)


def test_a_late_bar_lands_in_its_own_day(landing: Landing) -> None:
    land_all(landing)
    tables.publish_landed(landing, WORLD)
    log = landing.log
    assert isinstance(log, FileLog)
    stream_world.write(log, stream_world.session(OPENINGS_US[1], 5, seed=2, faults=False))
    replay.run(log)
    land_all(landing)
    tables.publish_landed(landing, WORLD)
    manifest = read_manifest(landing.paths)
    files = parquet_files(landing.paths, manifest.table("stream/market_bars_1m"))
    assert [file.stem for file in files] == list(DAYS)
    assert table(landing, "market_bars_1m")["session_date"].n_unique() == 2


def test_parity_explains_every_message(landing: Landing) -> None:
    land_all(landing)
    (row,) = parity.compare(landing, *DAYS).rows.to_dicts()
    parts = [row[name] for name in ("aggregated", "late", "dead_lettered", "heartbeats")]
    assert row["passed"]
    assert row["produced"] == sum(parts)
    assert min(parts) > 0
    assert row["open"] == 3
    assert row["bars_compared"] > 50


def friday_and_saturday(folder: Path) -> Landing:
    """Five trades of a Friday, and heartbeats and dead letters of the day after; all landed."""
    friday, saturday = OPENINGS_US[0] + 3 * DAY_US, OPENINGS_US[0] + 4 * DAY_US
    messages = [(0, (saturday // 1000, b"JPM", text)) for _, text in stream_world.broken(saturday)]
    for place in range(5):
        moment = friday + place * stream_world.MINUTE_US
        trade = stream_world.trade("JPM", place, moment, session_date="2019-03-22")
        messages.insert(place, stream_world.sent(trade, moment))
        messages += stream_world.heartbeats(saturday + place * stream_world.MINUTE_US, place)
    log = stream_world.write(FileLog(folder / "log"), messages)
    replay.run(log)
    landing = Landing(Paths(folder / "root"), log)
    land_all(landing)
    return landing


@pytest.mark.parametrize("first_session", ["2000-01-03", "2019-03-25"])
def test_parity_explains_messages_of_a_weekend_and_of_days_before_the_first_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_session: str
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_FIRST_SESSION", first_session)
    found = parity.compare(friday_and_saturday(tmp_path), "2019-03-18", "2019-03-25")
    (row,) = found.rows.to_dicts()
    assert row["session_date"].isoformat() == "2019-03-22"
    assert (row["passed"], row["aggregated"]) == (True, 5)
    assert min(row["heartbeats"], row["dead_lettered"]) > 0
    assert found.faults() == {}


def test_days_of_which_nothing_landed_have_neither_bars_nor_faults(tmp_path: Path) -> None:
    nothing = Landing(Paths(tmp_path / "root"), FileLog(tmp_path / "log"))
    found = parity.compare(nothing, DAYS[0], DAYS[0])
    assert found.rows.is_empty()
    assert found.bars.is_empty()
    assert found.alerts.is_empty()


def test_a_micro_batch_lands_and_publishes_what_waits_and_says_how_the_days_compare(
    landing: Landing,
) -> None:
    done = micro_batch.land_waiting(landing, WORLD)
    assert done.messages[stream.RAW_TOPIC] == landing.log.read(stream.RAW_TOPIC, EVERYTHING).height
    assert table(landing, "market_bars_1m").height > 50
    (row,) = micro_batch.compare_days(landing, done.days, WORLD).to_dicts()
    assert row["passed"]
    (sentence,) = micro_batch.sentences(table(landing, "parity"))
    assert sentence.startswith(f"{row['session_date']}: {row['produced']:,} messages")
    assert sentence.endswith("equal to the batch")
    assert micro_batch.land_waiting(landing, WORLD) == micro_batch.MicroBatch({}, [])


def test_parity_fails_where_a_bar_is_wrong_or_a_message_is_lost(landing: Landing) -> None:
    land_all(landing)
    for topic, column in ((stream.BARS_TOPIC, "volume"), (stream.BARS_TOPIC, "message_count")):
        (file,) = {landing.folder / landing.ledger.ranges(topic)[0].file}
        frame = pl.read_parquet(file)
        text = frame["value"].cast(pl.String).str.replace(f'"{column}":', f'"{column}":1')
        frame.with_columns(value=text.cast(pl.Binary)).write_parquet(file)
        (row,) = parity.compare(landing, *DAYS).rows.to_dicts()
        assert not row["passed"]
        assert row["bars_differing"] > 0
        frame.write_parquet(file)


def test_parity_fails_where_an_alert_is_wrong_or_lost_and_keeps_that_of_the_batch(
    tmp_path: Path,
) -> None:
    log = stream_world.two_sessions(tmp_path / "log")
    replay.run(log)
    landing = Landing(Paths(tmp_path / "root"), log)
    land_all(landing)
    sound = parity.compare(landing, *DAYS)
    assert sound.faults() == {}
    assert sound.alerts.height >= 3
    file = landing.folder / landing.ledger.ranges(stream.ALERTS_TOPIC)[0].file
    frame = pl.read_parquet(file)
    louder = frame["value"].cast(pl.String).str.replace('"severity":"warning"', '"severity":"odd"')
    for spoiled in (frame.with_columns(value=louder.cast(pl.Binary)), frame.head(0)):
        spoiled.write_parquet(file)
        found = parity.compare(landing, *DAYS)
        assert found.rows["bars_differing"].sum() > 0
        assert found.faults()
        assert found.alerts.sort("alert_id").equals(sound.alerts.sort("alert_id"))


def test_duplicates_are_counted_and_mended_with_a_higher_revision(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "log")
    messages = stream_world.session(OPENINGS_US[0], 3, seed=1, faults=False)
    trades = [one for one in messages if one[1][1] != b"heartbeat"]
    stream_world.write(log, [*messages[:-3], *trades[-2:], *messages[-3:]])
    replay.run(log)
    landing = Landing(Paths(tmp_path / "root"), log)
    land_all(landing)
    found = parity.compare(landing, *DAYS)
    (row,) = found.rows.to_dicts()
    assert (row["passed"], row["duplicates"]) == (True, 2)
    mended = found.bars.filter(pl.col("revision") == 1)
    assert mended.height == row["bars_mended"] > 0
    assert found.bars["message_count"].sum() == len(trades)


LAND = """
import sys
from pathlib import Path
from financial_pipeline.paths import Paths
from financial_pipeline.streaming import landing, tables
from financial_pipeline.streaming.message_log import FileLog
landing.LARGEST_RANGE = 40
one = landing.Landing(Paths(Path(sys.argv[2])), FileLog(Path(sys.argv[1])))
for topic, ranges in one.waiting(tuple(sys.argv[3:])).items():
    one.land(topic, ranges, "test")
    tables.publish_landed(one, {})
"""


@pytest.mark.slow
def test_a_landing_killed_anywhere_loses_and_doubles_nothing(
    landing: Landing, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", LAND, str(tmp_path / "log"), str(tmp_path / "root"), *TOPICS]
    for number in range(6):
        process = subprocess.Popen(command, env={**os.environ, "POLARS_MAX_THREADS": "1"})
        time.sleep(1.2 + 0.25 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True)
    for topic, ends in landing.log.end_offsets(TOPICS).items():
        rows = landing.read(landing.ledger.ranges(topic))
        assert rows.height == sum(ends.values()), topic
        if ends:
            assert rows.select("kafka_partition", "kafka_offset").is_duplicated().sum() == 0
    bars = stream_world.whole_topic(landing.log, stream.BARS_TOPIC)
    trades = sum(one["symbol"] != stream.HEARTBEAT_SYMBOL for one in bars)
    assert table(landing, "market_bars_1m").height == trades


def test_a_heartbeat_belongs_to_the_day_on_which_its_window_starts(tmp_path: Path) -> None:
    after_midnight = OPENINGS_US[1] - 9 * 3_600_000_000 - 29 * stream_world.MINUTE_US
    log = stream_world.write(FileLog(tmp_path), stream_world.heartbeats(after_midnight, 1))
    messages = log.read(stream.RAW_TOPIC, EVERYTHING)
    for seconds, day in ((420, 19), (60, 20)):
        judged = recompute.judge_messages(messages, bar_seconds=seconds)
        assert judged_days(judged).unique().to_list() == [date(2019, 3, day)]
