"""The log that a Kafka cluster keeps: its ends, and exact ranges of committed messages."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any, Final

import polars as pl
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    OffsetSpec,
    TopicDescription,
)

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.connection import require_answer
from financial_pipeline.local_cluster.topics import RIGHTS
from financial_pipeline.streaming.message_log import MESSAGES, Ranges, TopicState

# The library does not type these two.
EARLIEST: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
LATEST: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]
REQUEST_SECONDS: Final = 30.0
# A new or moved partition is led in the metadata some moments before its broker answers for it.
LEADER_SECONDS: Final = 10.0
NO_LEADER_YET: Final = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
# A range without a message for this long has lost its broker.
PATIENCE_SECONDS: Final = 60.0
# Maximum wait of a call for the wanted number of messages, which marks of transactions and ends
# reduce.
CONSUME_SECONDS: Final = 0.05
BATCH: Final = 10_000
# Ranges are named by whoever reads them; no offset is ever committed to the group.
READER: Final = {
    "group.id": "financial-pipeline-landing",
    "enable.auto.commit": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
    # A broker reports that there are no more messages, as after a transaction's mark, only after
    # this time.
    "fetch.wait.max.ms": 10,
}


class KafkaLog:
    """The topics of one cluster, whose aggregates the Flink job makes.

    `client` is a confluent-kafka configuration. Raises `PipelineError` where brokers refuse.
    """

    engine = "flink"

    def __init__(self, client: dict[str, Any]) -> None:
        require_answer(client)
        self._plain = client
        self._client = client | READER

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient(self._plain)

    @property
    def identity(self) -> str:
        """The id of the cluster: another cluster counts its own offsets."""
        with closing(Consumer(self._client)) as consumer, _described():
            return str(consumer.list_topics(timeout=REQUEST_SECONDS).cluster_id)

    def end_offsets(self, topics: Sequence[str]) -> dict[str, dict[int, int]]:
        """The offset after the last committed message, by topic and partition."""
        return {topic: state.ends for topic, state in self.states(topics).items()}

    def states(self, topics: Sequence[str]) -> dict[str, TopicState]:
        """See `MessageLog`; raises `PipelineError` if the user may not see a topic."""
        if not topics:
            return {}
        asked = self._admin.describe_topics(
            TopicCollection(list(topics)), request_timeout=REQUEST_SECONDS
        )
        with _described():
            known = {topic: _description(topic, answer) for topic, answer in asked.items()}
            described = {topic: one for topic, one in known.items() if one}
            if not described:
                return {}
            places = [
                TopicPartition(topic, part.id)
                for topic, one in described.items()
                for part in one.partitions
            ]
            firsts = _offsets(self._admin, places, EARLIEST)
            ends = _offsets(self._admin, places, LATEST)
        return {
            topic: TopicState(firsts[topic], ends[topic], str(one.topic_id))
            for topic, one in described.items()
        }

    def read(self, topic: str, ranges: Ranges) -> pl.DataFrame:
        """The messages of the ranges in MESSAGES form, by partition and offset.

        Offsets of transaction marks are never messages. Raises `PipelineError` if the broker no
        longer has a range, or stops answering.
        """
        wanted = {part: span for part, span in ranges.items() if span[0] < span[1]}
        with closing(Consumer(self._client)) as consumer:
            consumer.assign([TopicPartition(topic, part, wanted[part][0]) for part in wanted])
            rows = _rows(consumer, topic, wanted)
        frame = pl.DataFrame(rows, schema=MESSAGES, orient="row")
        return frame.sort("kafka_partition", "kafka_offset")


@contextmanager
def _described() -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise PipelineError(f"Kafka does not describe its topics: {error}") from error


def _description(topic: str, answer: Future[TopicDescription]) -> TopicDescription | None:
    """Return the broker's description of a topic; None if there is no such topic."""
    try:
        return answer.result()
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise PipelineError(f"Kafka does not show {topic} to this user. {RIGHTS}") from error
        raise


def _offsets(
    admin: AdminClient, places: Sequence[TopicPartition], spec: OffsetSpec
) -> dict[str, dict[int, int]]:
    """Return an offset of each partition by topic, in one request to each broker."""
    deadline = time.monotonic() + LEADER_SECONDS
    while True:
        asked = admin.list_offsets(
            dict.fromkeys(places, spec),
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=REQUEST_SECONDS,
        )
        try:
            found: dict[str, dict[int, int]] = defaultdict(dict)
            for place, answer in asked.items():
                found[place.topic][place.partition] = answer.result().offset
            return found
        except KafkaException as error:
            if error.args[0].code() not in NO_LEADER_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _rows(consumer: Consumer, topic: str, wanted: Ranges) -> list[tuple[Any, ...]]:
    unfinished = set(wanted)
    rows: list[tuple[Any, ...]] = []
    most = sum(end - start for start, end in wanted.values())
    heard = time.monotonic()
    while unfinished:
        messages = consumer.consume(min(max(most - len(rows), 1), BATCH), timeout=CONSUME_SECONDS)
        if not messages and time.monotonic() - heard > PATIENCE_SECONDS:
            raise PipelineError(f"Kafka went silent within the wanted range of {topic}.")
        for message in messages:
            heard = time.monotonic()
            part, offset = message.partition() or 0, message.offset() or 0
            if _is_end(message, topic) or offset >= wanted[part][1] - 1:
                unfinished.discard(part)
            if message.error() is None and offset < wanted[part][1]:
                stamp = message.timestamp()[1]
                rows.append((part, offset, stamp, message.key(), message.value()))
    return rows


def _is_end(message: Message, topic: str) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        raise PipelineError(f"{topic} cannot be read: {error.str()}. {RIGHTS}")
    raise PipelineError(
        f"{topic} cannot be read from the ledger's offset on: {error.str()}. Run the command again:"
        " if the broker has deleted those messages, it prints what to do."
    )
