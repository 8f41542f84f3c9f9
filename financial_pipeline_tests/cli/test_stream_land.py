"""`stream land --follow` between two passes."""

from pathlib import Path

import pytest

from financial_pipeline.cli import stream
from financial_pipeline.paths import Paths
from financial_pipeline.publishing import object_storage, working_copy
from financial_pipeline.schemas.stream import BARS_TOPIC
from financial_pipeline.streaming.landing import Landing
from financial_pipeline.streaming.message_log import FileLog


def test_new_bars_end_the_wait_at_once_and_raw_messages_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FileLog(tmp_path / "log")
    landing = Landing(Paths(tmp_path), log)
    looks = iter(["raw_market_ohlcv", BARS_TOPIC])
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        log.append(next(looks), 0, [(0, None, b"{}")])

    monkeypatch.setattr(stream, "PASS_SECONDS", 3600.0)
    monkeypatch.setattr("time.sleep", sleep)
    stream._wait_for_bars(landing)
    assert slept == [stream.LOOK_SECONDS] * 2


def test_in_object_storage_a_pass_waits_as_long_as_readers_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = Landing(Paths(tmp_path), FileLog(tmp_path / "log"))
    object_storage.store_link(landing.paths, object_storage.Link("s3://bucket/folder"))
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    stream._wait_for_bars(landing)
    assert slept == [working_copy.REFRESH_SECONDS]
