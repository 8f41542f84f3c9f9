"""The local Kafka and Flink: up, topics, what dies comes back, nothing is left."""

from confluent_kafka.admin import AdminClient

from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.schemas.stream import RAW_TOPIC, TOPICS
from financial_pipeline_tests.flink.conftest import eventually


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
