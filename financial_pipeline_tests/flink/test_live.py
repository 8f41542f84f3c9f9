"""`stream produce --live` against a real broker and a server that speaks as Yahoo does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from financial_pipeline.cli.stream import stream
from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.topics import create_topics
from financial_pipeline.streaming import minute_polling
from financial_pipeline.streaming.reading import read_held
from financial_pipeline_tests.raw.upstream import Upstream, serving
from financial_pipeline_tests.streaming.test_minute_polling import (
    CLOSE,
    MINUTE,
    OPEN,
    minutes_chart,
)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving() as server:
        yield server


@pytest.fixture
def topic(
    runtime: LocalRuntime, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    name = f"live_{uuid4().hex[:8]}"
    create_topics(runtime.client, {name: 3}, 1)
    for key, value in {
        "KAFKA_BROKERS": runtime.bootstrap_servers,
        "DATA_ROOT": str(tmp_path),
        "YAHOO_URL": upstream.url,
        "SYMBOLS": '["JPM", "BAC"]',
        "REQUEST_PAUSE_SECONDS": "0",
    }.items():
        monkeypatch.setenv(f"FINANCIAL_PIPELINE_{key}", value)
    return name


def produce(topic: str) -> Result:
    arguments = ["produce", "--live", "--every", "1", "--topic", topic]
    return CliRunner().invoke(stream, arguments, catch_exceptions=False)


def test_a_day_is_sent_once_and_outside_of_it_nothing_is_polled(
    topic: str, upstream: Upstream, runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = [OPEN + MINUTE * place for place in range(30)]
    upstream.charts |= {name: minutes_chart(name, bars) for name in ("JPM", "BAC")}
    now = [CLOSE + timedelta(minutes=3)]
    monkeypatch.setattr(minute_polling, "utc_now", lambda: now[0])
    told = produce(topic)
    assert told.output == f"The session is over: sent 60 bars to {topic}, 0 of them late.\n"
    assert produce(topic).output.startswith("The session is over: sent 0 bars")
    assert len(read_held(topic, runtime.client).events) == 60
    now[0] = datetime(2019, 2, 10, 15, tzinfo=UTC)
    asked = len(upstream.asked)
    with pytest.raises(PipelineError, match="no session on Sunday"):
        produce(topic)
    assert len(upstream.asked) == asked
