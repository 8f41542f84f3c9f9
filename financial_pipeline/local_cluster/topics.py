"""Topics of a cluster: creates absent ones with their partitions and retention."""

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from financial_pipeline.errors import PipelineError

REQUEST_SECONDS = 30
RETRY_SECONDS = 0.1
RIGHTS = "docs/streaming.md lists all topics and rights."
# Record timestamps are those of the replayed day, so retention is by size per partition, not by
# age.
SETTINGS = {"retention.ms": "-1", "retention.bytes": str(2 * 1024**3), "cleanup.policy": "delete"}
FORBIDDEN = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}


def create_topics(client: dict[str, Any], topics: Mapping[str, int], replicas: int) -> None:
    """Create the topics that are absent; `client` is a confluent-kafka client configuration."""
    admin = AdminClient(client)
    settings = SETTINGS | {"min.insync.replicas": str(max(1, replicas - 1))}
    try:
        known = _known(admin)
        absent = [
            NewTopic(name, partitions, replicas, config=settings)
            for name, partitions in topics.items()
            if name not in known
        ]
        if absent:
            _create(admin, absent, client.get("sasl.username", "ANONYMOUS"))
            _wait_for_leaders(admin, set(topics))
    except KafkaException as error:
        raise PipelineError(f"The topics could not be created: {error.args[0].str()}") from error


def _known(admin: AdminClient) -> dict[str, Any]:
    """The topics by name; a broker that just started may first give a partial answer, or none."""
    deadline = time.monotonic() + REQUEST_SECONDS
    while True:
        try:
            return dict(admin.list_topics(timeout=REQUEST_SECONDS).topics)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)


def _create(admin: AdminClient, absent: list[NewTopic], user: str) -> None:
    try:
        for answer in admin.create_topics(absent, request_timeout=REQUEST_SECONDS).values():
            answer.result()
    except KafkaException as error:
        if error.args[0].code() not in FORBIDDEN:
            raise
        names = [f"{one.topic} ({one.num_partitions} partitions)" for one in absent]
        raise PipelineError(
            f"Kafka shows user {user} no topics {', '.join(names)}, and the user may not create"
            f" topics: create them with retention.ms={SETTINGS['retention.ms']}, and permit the"
            f" user to read and write them. {RIGHTS}"
        ) from error


def absent_topic(topic: str) -> str:
    """Return the sentence about a topic that the brokers do not show to this user."""
    return (
        f"The broker has no topic {topic}, or does not show it to this user: create it, or permit"
        f" the user to read and write it. {RIGHTS}"
    )


def topic_identity(client: dict[str, Any], topic: str) -> str:
    """Return the identity of a topic: its id and the number of its partitions."""
    admin = AdminClient(client)
    asked = admin.describe_topics(TopicCollection([topic]), request_timeout=REQUEST_SECONDS)
    try:
        found = asked[topic].result()
    except KafkaException as error:
        raise PipelineError(f"Kafka does not describe {topic}: {error.args[0].str()}") from error
    return f"{found.topic_id} with {len(found.partitions)} partitions"


def _wait_for_leaders(admin: AdminClient, names: set[str]) -> None:
    """A created topic is known to a broker, and led by one, some moments after the answer."""
    deadline = time.monotonic() + REQUEST_SECONDS
    while time.monotonic() < deadline:
        known = _known(admin)
        parts = [part for name in names & known.keys() for part in known[name].partitions.values()]
        if names <= known.keys() and all(part.leader >= 0 for part in parts):
            return
        time.sleep(RETRY_SECONDS)
    raise PipelineError(f"The topics have no leaders after {REQUEST_SECONDS} s: see broker.log.")


def brokers_known(client: dict[str, Any], seconds: float) -> int:
    """Count the brokers that answer to a description of the cluster; 0 if none does."""
    quiet = client | {"error_cb": lambda _error: None}
    try:
        return len(AdminClient(quiet).list_topics(timeout=seconds).brokers)
    except KafkaException:
        return 0
