"""The days that a command compares: its own, and those of a killed one."""

from pathlib import Path
from typing import Any

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.schemas.stream import INDICATORS_TOPIC
from financial_pipeline.streaming import micro_batch, parity, replay
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog
from financial_pipeline_tests.streaming import stream_world
from financial_pipeline_tests.streaming.stream_world import DAYS, OPENINGS_US
from financial_pipeline_tests.streaming.test_landing import WORLD, table


def test_days_of_a_command_that_was_killed_before_it_compared_them_are_compared_by_the_next(
    tmp_path: Path,
) -> None:
    log = FileLog(tmp_path / "log")
    stream_world.write(log, stream_world.session(OPENINGS_US[0], 5, seed=1))
    replay.run(log)
    landing = Landing(Paths(tmp_path / "root"), log)
    killed = micro_batch.land_waiting(landing, WORLD)
    assert killed.days == [DAYS[0]]
    assert micro_batch.land_waiting(landing, WORLD) == micro_batch.MicroBatch({}, killed.days)
    micro_batch.compare_days(landing, killed.days, WORLD)
    assert table(landing, "parity")["passed"].to_list() == [True]
    assert micro_batch.land_waiting(landing, WORLD) == micro_batch.MicroBatch({}, [])


def test_a_day_whose_indicators_arrive_after_its_bars_is_compared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FileLog(tmp_path / "log")
    stream_world.write(log, stream_world.session(OPENINGS_US[0], 5, seed=1))
    replay.run(log)
    written, held = tmp_path / "log" / INDICATORS_TOPIC, tmp_path / "held"
    written.rename(held)
    landing = Landing(Paths(tmp_path / "root"), log)
    days = micro_batch.land_waiting(landing, WORLD).days
    found: list[bool] = []
    compare = parity.compare

    def arriving(*arguments: Any) -> parity.Parity:
        result = compare(*arguments)
        found.append(result.rows["passed"].all())
        if held.exists():
            held.rename(written)
        return result

    monkeypatch.setattr(parity, "compare", arriving)
    assert micro_batch.compare_after_all(landing, days, WORLD)["passed"].to_list() == [True]
    assert found == [False, True]
    assert table(landing, "parity")["passed"].to_list() == [True]


def test_messages_that_nobody_lands_are_a_fault_and_landed_ones_are_none(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "log")
    stream_world.write(log, stream_world.session(OPENINGS_US[0], 5, seed=1))
    landing = Landing(Paths(tmp_path / "root"), log)
    with pytest.raises(PipelineError, match="Messages of raw_market_ohlcv wait for more than 0 s"):
        micro_batch.check_follower(landing, 0.0)
    assert landing.waiting(("raw_market_ohlcv",))
    micro_batch.land_waiting(landing, WORLD)
    micro_batch.check_follower(landing, 0.0)


def test_messages_that_a_follower_lands_meanwhile_are_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FileLog(tmp_path / "log")
    stream_world.write(log, stream_world.session(OPENINGS_US[0], 5, seed=1))
    landing = Landing(Paths(tmp_path / "root"), log)
    monkeypatch.setattr(
        micro_batch.time, "sleep", lambda _: micro_batch.land_waiting(landing, WORLD)
    )
    micro_batch.check_follower(landing, 60.0)
