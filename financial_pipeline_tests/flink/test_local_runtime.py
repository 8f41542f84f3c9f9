"""The local Kafka and Flink: up, topics, what dies comes back, nothing is left."""

import time
from collections.abc import Callable

from confluent_kafka.admin import AdminClient

from financial_pipeline.schemas.stream import RAW_TOPIC, TOPICS
from financial_pipeline.streaming.local.runtime import LocalRuntime

PATIENCE_SECONDS = 60.0


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return False


def test_every_topic_exists_and_the_input_has_three_partitions(runtime: LocalRuntime) -> None:
    topics = AdminClient(runtime.client).list_topics(timeout=10).topics
    assert set(TOPICS) <= set(topics)
    assert len(topics[RAW_TOPIC].partitions) == 3


def test_a_killed_task_manager_comes_back(runtime: LocalRuntime) -> None:
    process = runtime.processes["taskmanager-1"]
    before, restarts = process.pid, process.restarts
    runtime.kill("taskmanager-1")
    assert eventually(lambda: process.restarts == restarts + 1 and process.is_running)
    assert process.pid != before
    assert eventually(lambda: runtime.rest.task_managers() >= 1)
