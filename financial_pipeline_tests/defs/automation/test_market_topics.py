"""The sensors ask for exactly what the ledger lacks, observe every topic, and consume nothing."""

from pathlib import Path

import dagster as dg
import pytest

from financial_pipeline.defs.automation import market_topics
from financial_pipeline.defs.automation.market_topics import (
    NO_STREAM,
    macro_releases_sensor,
    market_topics_sensor,
)
from financial_pipeline.defs.raw import macro_releases, topics
from financial_pipeline.defs.resources import Pipeline
from financial_pipeline.local_cluster.status import Status, hold_lock, write_status
from financial_pipeline.paths import Paths
from financial_pipeline.raw import archive
from financial_pipeline.schemas import stream
from financial_pipeline.schemas.macro_release import MacroRelease
from financial_pipeline.streaming import macro, replay
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog, FileSink
from financial_pipeline_tests.streaming import stream_world
from financial_pipeline_tests.streaming.stream_world import DAYS, OPENINGS_US


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """A log of one session that stands for the brokers of this data root."""
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(root))
    log = FileLog(tmp_path / "log")
    stream_world.write(log, stream_world.session(OPENINGS_US[0], 20, seed=1))
    replay.run(log)
    found = Landing(Paths(root), log)
    monkeypatch.setattr(market_topics, "is_reachable", lambda *_: True)
    for module in (market_topics, topics, macro_releases):
        monkeypatch.setattr(module, "current_landing", lambda _: found)
    return found


def tick(
    instance: dg.DagsterInstance, sensor: dg.SensorDefinition = market_topics_sensor
) -> dg.SensorResult:
    result = sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(result, dg.SensorResult)
    return result


def land(instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [topics.market_topics],
        instance=instance,
        resources={"pipeline": Pipeline()},
        run_config=request.run_config,
        raise_on_error=False,
    )


def test_what_waits_is_landed_once_and_a_second_run_of_the_same_ranges_aborts(
    landing: Landing,
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        [request] = tick(instance).run_requests or []
        assert land(instance, request).success
        assert landing.waiting(tuple(stream.TOPICS)) == {}
        assert not tick(instance).run_requests
        rows = landing.ledger.next_offsets(stream.RAW_TOPIC)
        assert not land(instance, request).success
        assert landing.ledger.next_offsets(stream.RAW_TOPIC) == rows
        key = dg.AssetKey(["raw", "market_ohlcv"])
        assert instance.get_materialized_partitions(key) == {DAYS[0]}


def test_every_look_observes_the_topics(landing: Landing) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        seen = {event.asset_key.path[1]: event.metadata for event in tick(instance).asset_events}
    ends = landing.log.end_offsets([stream.RAW_TOPIC])[stream.RAW_TOPIC]
    raw = seen[stream.RAW_TOPIC]
    assert raw["messages"].value == raw["lag"].value == sum(ends.values()) > 0
    assert set(seen) >= {stream.BARS_TOPIC, stream.LATE_TOPIC, stream.DEAD_LETTER_TOPIC}


def test_nothing_is_asked_for_while_a_run_is_landing(landing: Landing) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.JobDefinition(name="market_topics_job", graph_def=dg.GraphDefinition("nothing"))
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        assert not tick(instance).run_requests
    assert landing.ledger.ranges(stream.RAW_TOPIC) == []


def test_macro_releases_that_wait_are_landed_once(landing: Landing) -> None:
    assert isinstance(landing.log, FileLog)
    known = MacroRelease("UNRATE", "2011-02-01", "2011-03-04", None, "8.9", "alfred")
    macro.send(FileSink(landing.log, stream.MACRO_TOPIC, 1), [known])
    with dg.DagsterInstance.ephemeral() as instance:
        assert len(tick(instance, macro_releases_sensor).run_requests or []) == 1
        (seen,) = tick(instance, macro_releases_sensor).asset_events
        assert (seen.asset_key.path[1], seen.metadata["lag"].value) == (stream.MACRO_TOPIC, 1)
        resources = {"pipeline": Pipeline()}
        assert dg.materialize(
            [macro_releases.macro_releases], instance=instance, resources=resources
        ).success
        assert not tick(instance, macro_releases_sensor).run_requests
        # The market topics wait for their own sensor.
        assert tick(instance).run_requests
    (file,) = archive.accepted_files(landing.paths, "fred_observations")
    assert (file.landed.subject, file.landed.rows_seen) == ("UNRATE", 1)


@pytest.mark.parametrize("sensor", [market_topics_sensor, macro_releases_sensor])
def test_without_brokers_it_says_how_to_have_some(
    sensor: dg.SensorDefinition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        result = sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(result, dg.SkipReason)
    assert result.skip_message == NO_STREAM


@pytest.mark.parametrize("sensor", [market_topics_sensor, macro_releases_sensor])
def test_a_stream_in_another_container_is_left_to_land_its_own_messages(
    sensor: dg.SensorDefinition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path))
    state = Paths(tmp_path).stream_runtime
    with hold_lock(state), dg.DagsterInstance.ephemeral() as instance:
        write_status(state, Status("healthy", 1, "127.0.0.1:9", host="stream-container"))
        result = sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(result, dg.SkipReason)
    assert "runs on stream-container and answers only there" in str(result.skip_message)
