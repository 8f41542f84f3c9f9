"""Topics are created although a broker that just started answers with an error first."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster import topics


class Admin:
    """A client whose first answers are partial."""

    def __init__(self, partial: int) -> None:
        self.partial = partial
        self.topics: dict[str, Any] = {}

    def list_topics(self, timeout: float) -> SimpleNamespace:
        if self.partial:
            self.partial -= 1
            raise KafkaException(KafkaError(KafkaError._PARTIAL))
        return SimpleNamespace(topics=self.topics)

    def create_topics(self, absent: list[Any], request_timeout: float) -> dict[str, Any]:
        led = SimpleNamespace(partitions={0: SimpleNamespace(leader=1)})
        self.topics |= {topic.topic: led for topic in absent}
        return {}


def test_a_partial_answer_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = Admin(partial=2)
    monkeypatch.setattr(topics, "AdminClient", lambda _client: admin)
    topics.create_topics({}, {"trades": 1}, 1)
    assert list(admin.topics) == ["trades"]


def test_a_broker_that_never_answers_whole_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "AdminClient", lambda _client: Admin(partial=10**9))
    monkeypatch.setattr(topics, "REQUEST_SECONDS", 0.2)
    with pytest.raises(PipelineError, match=r"could not be created: .*Partial"):
        topics.create_topics({}, {"trades": 1}, 1)
