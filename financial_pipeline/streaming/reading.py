"""Messages of a topic, and the part of a producer's work among them."""

import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.connection import require_answer
from financial_pipeline.local_cluster.topics import RIGHTS, absent_topic
from financial_pipeline.schemas.stream import HEARTBEAT_SYMBOL
from financial_pipeline.streaming.judgement import judge
from financial_pipeline.streaming.producing import Held

REQUEST_SECONDS: Final = 30.0
# A topic that is read to its end and reports nothing for this long has lost its broker.
PATIENCE_SECONDS: Final = 60.0
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def messages(topic: str, client: dict[str, Any], *, follow: bool = False) -> Iterator[Message]:
    """The committed messages of a topic from its beginning to its end, or on and on.

    `client` is a confluent-kafka configuration. Raises `PipelineError` where brokers refuse or the
    topic is absent.
    """
    require_answer(client)
    reader = {"group.id": "financial-pipeline-reading", "enable.auto.commit": False}
    consumer = Consumer(client | reader | {"enable.partition.eof": True})
    try:
        known = consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
        if known.error or not known.partitions:
            raise PipelineError(absent_topic(topic))
        consumer.assign(
            [TopicPartition(topic, part, OFFSET_BEGINNING) for part in known.partitions]
        )
        yield from _poll(consumer, topic, set(known.partitions), follow=follow)
    finally:
        consumer.close()


def _poll(
    consumer: Consumer, topic: str, unfinished: set[int], *, follow: bool
) -> Iterator[Message]:
    heard = time.monotonic()
    while follow or unfinished:
        message = consumer.poll(1.0)
        if message is None:
            if not follow and time.monotonic() - heard > PATIENCE_SECONDS:
                raise PipelineError(f"Kafka went silent before the end of {topic}.")
            continue
        heard = time.monotonic()
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:
            unfinished.discard(message.partition() or 0)
        else:
            raise PipelineError(f"{topic} cannot be read: {error.str().rstrip('.')}. {RIGHTS}")


def read_held(topic: str, client: dict[str, Any]) -> Held:
    """Read the messages of a producer that a topic contains."""
    return held_of(
        (message.partition() or 0, message.timestamp()[1], message.value())
        for message in messages(topic, client)
    )


def held_of(records: Iterable[tuple[int, int, bytes | None]]) -> Held:
    """Find a producer's work in messages (partition, record timestamp, value).

    Those that break the contract do not count.
    """
    found = Held()
    for partition, record_ms, value in records:
        verdict = judge(value, record_ms)
        if verdict.reason is not None:
            continue
        fields = verdict.fields
        if fields["symbol"] == HEARTBEAT_SYMBOL:
            found.heartbeats = max(found.heartbeats, fields["sequence"])
        else:
            found.events.add((fields["symbol"], fields["sequence"]))
        carried = max(found.watermarks.get(partition, 0), fields["watermark_us"])
        found.watermarks[partition] = carried
    return found


def line(message: Message) -> str:
    """A message as one line: partition:offset, record timestamp (UTC), key, value."""
    moment = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    key, value = _text(message.key()), _text(message.value())
    return f"{message.partition()}:{message.offset()} {stamp} {key} {value}"


def _text(content: bytes | str | None) -> str:
    if content is None:
        return "-"
    text = content if isinstance(content, str) else content.decode("utf-8", "backslashreplace")
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
