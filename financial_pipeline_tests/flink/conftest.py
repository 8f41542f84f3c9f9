"""Fixtures of the tests on a real Kafka and Flink, in addition to the shared runtime."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from financial_pipeline.local_cluster.runtime import RuntimePlan

PATIENCE_SECONDS = 120.0


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture
def own_state(tmp_path: Path, runtime_plan: RuntimePlan) -> RuntimePlan:
    """A plan for a runtime that a test starts, kills and ends itself."""
    return replace(runtime_plan, state=tmp_path / "state")
