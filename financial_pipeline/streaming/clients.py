"""Two Kafka producers behind one interface: kafka-python, and confluent-kafka where speed counts.

Both are idempotent and wait for all replicas. The caller chooses the partition, so that a symbol
has the same partition with either client.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.connection import Connection, require_answer
from financial_pipeline.local_cluster.topics import absent_topic

LINGER_MS: Final = 20
BATCH_BYTES: Final = 262_144
# Longer than any failover of a broker that is restarted at once.
DELIVERY_TIMEOUT_MS: Final = 120_000
FLUSH_SECONDS: Final = 120.0
# Maximum memory of a producer.
UNSENT_MESSAGES: Final = 100_000

ClientName = Literal["kafka-python", "confluent-kafka"]


class Sink(Protocol):
    """The sink of produced messages: a broker through one of the clients, or a log in files."""

    @property
    def partitions(self) -> int:
        """Number of partitions of the topic."""
        ...

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        """Hand one message over; it may be delivered later."""
        ...

    def flush(self) -> None:
        """Return when everything handed over is stored; raise `PipelineError` where it is not."""
        ...


def open_sink(client: ClientName, topic: str, brokers: Connection) -> Sink:
    """A sink on a broker; raises `PipelineError` at once where it refuses or has no such topic."""
    require_answer(brokers.confluent())
    if client == "confluent-kafka":
        return ConfluentSink(topic, brokers.confluent())
    return KafkaPythonSink(topic, brokers.kafka_python())


class ConfluentSink:
    """Writes one topic through confluent-kafka; `options` are its configuration."""

    def __init__(self, topic: str, options: Mapping[str, Any]) -> None:
        from confluent_kafka import Producer

        self._topic = topic
        self._failure: str | None = None
        self._handed_over = 0
        self._producer = Producer(
            {
                "enable.idempotence": True,
                "linger.ms": LINGER_MS,
                "batch.size": BATCH_BYTES,
                "delivery.timeout.ms": DELIVERY_TIMEOUT_MS,
                "queue.buffering.max.messages": UNSENT_MESSAGES,
                # A call of Python for each stored message would cost more than its encoding.
                "delivery.report.only.error": True,
                "error_cb": self._note_error,
                **options,
            }
        )
        metadata = self._producer.list_topics(topic, timeout=30).topics[topic]
        if metadata.error:
            raise PipelineError(absent_topic(topic))
        self.partitions = len(metadata.partitions)

    def _note_error(self, error: Any) -> None:
        if error.fatal():
            self._failure = str(error)

    def _note_delivery(self, error: Any, message: Any) -> None:
        if error:
            self._failure = str(error)

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        """See `Sink`."""
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    value,
                    key,
                    partition,
                    timestamp=record_ms,
                    on_delivery=self._note_delivery,
                )
                break
            except BufferError:
                self._producer.poll(0.1)
        self._handed_over += 1
        if self._handed_over % 1024 == 0:
            self._producer.poll(0)

    def flush(self) -> None:
        """See `Sink`."""
        left = self._producer.flush(FLUSH_SECONDS)
        if left or self._failure:
            reason = self._failure or f"{left} messages are not stored after {FLUSH_SECONDS:.0f} s"
            raise PipelineError(f"Kafka did not take what was produced to {self._topic}: {reason}.")


class KafkaPythonSink:
    """Writes one topic through kafka-python; `options` are arguments of its producer."""

    def __init__(self, topic: str, options: Mapping[str, Any]) -> None:
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        self._topic = topic
        self._handed_over = 0
        self._failure: Exception | None = None
        self._producer = KafkaProducer(
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
            max_request_size=2 * 1024 * 1024,
            **options,
        )
        try:
            self.partitions = len(self._producer.partitions_for(topic))
        except KafkaError as error:
            raise PipelineError(absent_topic(topic)) from error

    def _note_failure(self, error: Exception) -> None:
        self._failure = error

    def send(self, partition: int, record_ms: int, key: bytes | None, value: bytes | None) -> None:
        """See `Sink`."""
        future = self._producer.send(
            self._topic, value=value, key=key, partition=partition, timestamp_ms=record_ms
        )
        future.add_errback(self._note_failure)
        # This client keeps all unsent messages in memory, without a limit of its own.
        self._handed_over += 1
        if self._handed_over % UNSENT_MESSAGES == 0:
            self.flush()

    def flush(self) -> None:
        """See `Sink`."""
        from kafka.errors import KafkaError

        try:
            self._producer.flush(FLUSH_SECONDS)
        except KafkaError as error:
            self._failure = error
        if self._failure:
            raise PipelineError(
                f"Kafka did not take what was produced to {self._topic}: {self._failure}."
            )
