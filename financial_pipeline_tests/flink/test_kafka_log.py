"""Exact ranges of a real broker, which are the same whenever they are asked for."""

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.topics import create_topics, topic_identity
from financial_pipeline.paths import Paths
from financial_pipeline.settings import Settings
from financial_pipeline.streaming import kafka_log
from financial_pipeline.streaming.kafka_log import LATEST, KafkaLog, _offsets
from financial_pipeline.streaming.logs import current_log
from financial_pipeline_tests.flink.conftest import eventually

MESSAGES = 20


@pytest.fixture(scope="module")
def topic(runtime: LocalRuntime) -> str:
    """Two partitions: twenty committed messages in the first; an aborted one behind them."""
    name = f"log_{uuid4().hex[:8]}"
    create_topics(runtime.client, {name: 2}, 1)
    producer = Producer(runtime.client | {"transactional.id": name})
    producer.init_transactions()
    for numbers, end in (
        (range(MESSAGES), producer.commit_transaction),
        (range(1), producer.abort_transaction),
    ):
        producer.begin_transaction()
        for number in numbers:
            producer.produce(name, value=b"%d" % number, partition=0, timestamp=1_000 + number)
        producer.flush()
        end()
    return name


def test_a_range_holds_its_committed_messages_and_nothing_else(
    runtime: LocalRuntime, topic: str
) -> None:
    log = KafkaLog(runtime.client)
    ends = log.end_offsets([topic, "absent"])
    # Marks of both transactions and the aborted message have offsets too.
    assert ends == {topic: {0: MESSAGES + 3, 1: 0}}
    whole = log.read(topic, {0: (0, ends[topic][0]), 1: (0, 0)})
    assert whole["value"].to_list() == [b"%d" % number for number in range(MESSAGES)]
    assert whole["kafka_offset"].to_list() == list(range(MESSAGES))
    assert whole["record_ms"].to_list() == [1_000 + number for number in range(MESSAGES)]
    assert log.read(topic, {0: (5, 9)}).equals(whole[5:9])
    assert log.read(topic, {0: (MESSAGES, MESSAGES + 3)}).is_empty()


def is_gone(log: KafkaLog, name: str) -> bool:
    """Whether a deleted topic is unknown; while it is being deleted, it cannot be described."""
    try:
        return not log.states([name])
    except PipelineError:
        return False


def test_a_topic_has_another_id_once_it_was_deleted_and_created_again(
    runtime: LocalRuntime,
) -> None:
    name, log, admin = (
        f"log_{uuid4().hex[:8]}",
        KafkaLog(runtime.client),
        AdminClient(runtime.client),
    )
    ids = []
    for _ in range(2):
        create_topics(runtime.client, {name: 2}, 1)
        found = log.states([name])[name]
        assert found == log.states([name])[name]
        assert (found.firsts, found.ends) == ({0: 0, 1: 0}, {0: 0, 1: 0})
        ids.append(found.id)
        assert topic_identity(runtime.client, name) == f"{found.id} with 2 partitions"
        admin.delete_topics([name])[name].result(30)
        assert eventually(lambda: is_gone(log, name))
    assert len({*ids, ""}) == 3


class _Moving:
    """An admin client whose partition has no leader for its first answers."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)

    def list_offsets(self, asked: dict[TopicPartition, Any], **_: Any) -> dict[Any, Future[Any]]:
        answers: dict[Any, Future[Any]] = {place: Future() for place in asked}
        for answer in answers.values():
            if self.codes:
                answer.set_exception(KafkaException(KafkaError(self.codes.pop(0))))
            else:
                answer.set_result(SimpleNamespace(offset=9))
        return answers


def test_a_partition_between_two_leaders_is_asked_again_and_another_fault_is_not() -> None:
    moving: Any = _Moving(KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
    assert _offsets(moving, [TopicPartition("t", 0)], LATEST) == {"t": {0: 9}}
    refusing: Any = _Moving(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaException, match="authorization failed"):
        _offsets(refusing, [TopicPartition("t", 0)], LATEST)


def test_deleted_messages_move_the_first_offset(runtime: LocalRuntime) -> None:
    name, log = f"log_{uuid4().hex[:8]}", KafkaLog(runtime.client)
    create_topics(runtime.client, {name: 1}, 1)
    producer = Producer(runtime.client)
    for number in range(MESSAGES):
        producer.produce(name, value=b"%d" % number, partition=0)
    producer.flush()
    place, admin = TopicPartition(name, 0, 7), AdminClient(runtime.client)
    admin.delete_records([place])[place].result(30)
    assert (log.states([name])[name].firsts, log.states([name])[name].ends) == ({0: 7}, {0: 20})


def test_a_broker_that_ended_is_one_sentence(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = KafkaLog(runtime.client)
    monkeypatch.setattr(kafka_log, "REQUEST_SECONDS", 1.0)
    # Another client of the same object: the one that it keeps has lost its broker.
    log.__dict__["_admin"] = AdminClient({"bootstrap.servers": "127.0.0.1:1"})
    with pytest.raises(PipelineError, match="Kafka does not describe its topics: "):
        log.states(["any"])


def test_a_cluster_tells_itself_from_any_other(runtime: LocalRuntime) -> None:
    assert KafkaLog(runtime.client).identity == KafkaLog(runtime.client).identity != "None"


def test_the_log_is_the_brokers_where_some_are_named_and_the_replay_elsewhere(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    named = Settings(kafka_brokers=runtime.bootstrap_servers)
    assert current_log(Paths(tmp_path), named).engine == "flink"
    assert current_log(Paths(tmp_path), Settings(kafka_brokers="")).engine == "replay"
    silent = Settings(kafka_brokers="127.0.0.1:1")
    with pytest.raises(PipelineError, match="does not answer"):
        current_log(Paths(tmp_path), silent)
