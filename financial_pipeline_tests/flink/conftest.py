"""A real Kafka and Flink for tests, started once a session, on free ports and a folder of its own.

Where Java, the jars or Flink are not to be had, the tests skip and say so; under CI they fail.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from financial_pipeline.errors import PipelineError
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.local.runtime import LocalRuntime, RuntimePlan, local_runtime
from financial_pipeline.streaming.local.supervisor import plan_of

PATIENCE_SECONDS = 60.0


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="session")
def runtime_plan(tmp_path_factory: pytest.TempPathFactory) -> RuntimePlan:
    """Where a runtime finds its parts; `dataclasses.replace` makes others of it."""
    plan = plan_of(Settings(), tmp_path_factory.mktemp("runtime") / "state")
    plan = replace(plan, kafka_port=None, rest_port=None)
    try:
        LocalRuntime(plan)
    except PipelineError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return plan


@pytest.fixture(scope="session")
def runtime(runtime_plan: RuntimePlan) -> Iterator[LocalRuntime]:
    """One broker and one TaskManager for the whole session; use topics of your own."""
    with local_runtime(runtime_plan) as running:
        yield running


@pytest.fixture
def own_state(tmp_path: Path, runtime_plan: RuntimePlan) -> RuntimePlan:
    """A plan for a runtime that a test starts, kills and ends itself."""
    return replace(runtime_plan, state=tmp_path / "state")
