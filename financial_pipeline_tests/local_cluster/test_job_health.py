"""The supervisor's questions to Flink each second, and its verdicts on the answers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from financial_pipeline.local_cluster import supervisor
from financial_pipeline.local_cluster.supervisor import JobHealth


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    at = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(supervisor, "time", SimpleNamespace(time=lambda: at.now))
    return at


def runtime(folder: Path, asked: list[str]) -> Any:
    def watermark(job_id: str) -> int:
        asked.append(job_id)
        return 7

    rest = SimpleNamespace(
        jobs=lambda: [{"jid": "one", "state": "RUNNING"}], watermark_ms=watermark
    )
    return SimpleNamespace(rest=rest, flink=SimpleNamespace(folder=folder))


def test_the_watermark_is_asked_for_every_five_seconds(
    tmp_path: Path, clock: SimpleNamespace
) -> None:
    asked: list[str] = []
    health = JobHealth("bars", "one")
    for _ in range(11):
        health.observe(runtime(tmp_path, asked))
        clock.now += 1.0
    assert asked == ["one"] * 3
    assert (health.state, health.watermark_ms, health.watermark_moved_at) == ("RUNNING", 7, 1_000.0)
