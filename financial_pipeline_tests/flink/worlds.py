"""Topics of one's own on a cluster that many tests share, with a job of one's own between them."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import polars as pl
from confluent_kafka import Consumer, Producer, TopicPartition

from financial_pipeline.schemas.stream import RAW_TOPIC
from financial_pipeline.streaming.job_script import JobValues, job_script
from financial_pipeline.streaming.kafka_log import KafkaLog
from financial_pipeline.streaming.local.runtime import LocalRuntime
from financial_pipeline.streaming.local.topics import create_topics, stream_topics
from financial_pipeline.streaming.message_log import Ranges
from financial_pipeline_tests.flink.kills import next_checkpoint
from financial_pipeline_tests.streaming.stream_world import Sent

PATIENCE_SECONDS = 90.0
# The watermark of the last message leaves the source up to 200 ms after it.
CHECKPOINTS = {"execution.checkpointing.interval": "400 ms"}


class PrefixedLog(KafkaLog):
    """The topics of a cluster that begin with a prefix, under their names without it."""

    def __init__(self, client: dict[str, Any], prefix: str) -> None:
        super().__init__(client)
        self._prefix = prefix

    def end_offsets(self, topics: Sequence[str]) -> dict[str, dict[int, int]]:
        found = super().end_offsets([self._prefix + topic for topic in topics])
        return {topic.removeprefix(self._prefix): ends for topic, ends in found.items()}

    def read(self, topic: str, ranges: Ranges) -> pl.DataFrame:
        return super().read(self._prefix + topic, ranges)


@dataclass(frozen=True)
class World:
    """All topics of the stream once more on `runtime`, each name after `prefix`."""

    runtime: LocalRuntime
    prefix: str = field(default_factory=lambda: f"w{uuid4().hex[:8]}_")
    replicas: int = 1

    def __post_init__(self) -> None:
        topics = {self.prefix + name: count for name, count in stream_topics().items()}
        create_topics(self.runtime.client, topics, self.replicas)

    @property
    def log(self) -> PrefixedLog:
        return PrefixedLog(self.runtime.client, self.prefix)

    def send(self, messages: Iterable[Sent]) -> None:
        """Put messages on the raw topic, each partition in their order."""
        options = {"enable.idempotence": True, "message.max.bytes": 2_000_000}
        producer = Producer(self.runtime.client | options)
        failures: list[object] = []
        for partition, (at, key, value) in messages:
            producer.produce(
                *(self.prefix + RAW_TOPIC, value, key, partition),
                timestamp=at,
                on_delivery=lambda error, _message: failures.append(error) if error else None,
            )
        assert producer.flush(60) == 0
        assert failures == []

    @contextmanager
    def job(self, **values: Any) -> Iterator[str]:
        """A running job between the topics; `values` are more of `JobValues`. Gives its id."""
        options = {"configuration": CHECKPOINTS} | values
        script = job_script(
            JobValues(self.runtime.bootstrap_servers, prefix=self.prefix, **options)
        )
        job_id = self.runtime.submit(script, fresh=True)
        try:
            yield job_id
        finally:
            self.runtime.rest.cancel(job_id)
            self._wait_for(lambda: job_id not in {job["jid"] for job in self._running()})

    def _running(self) -> list[dict[str, Any]]:
        return self.runtime.running_jobs()

    @staticmethod
    def _wait_for(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.1)

    def wait_until_read(self, job_id: str) -> None:
        """Until all that is on the raw topic now has gone through the job, to its sinks."""
        ends = self.log.end_offsets([RAW_TOPIC])[RAW_TOPIC]
        places = [TopicPartition(self.prefix + RAW_TOPIC, one) for one, end in ends.items() if end]
        group = JobValues("", prefix=self.prefix).job
        with closing(Consumer(self.runtime.client | {"group.id": group})) as consumer:
            self._wait_for(
                lambda: all(
                    place.offset >= ends[place.partition]
                    for place in consumer.committed(places, timeout=30)
                )
            )
        # What Flink commits to the group has left the source; two checkpoints later it is written.
        for _ in range(2):
            next_checkpoint(self.runtime, job_id)

    def restarts(self, job_id: str) -> int | None:
        """How often the job was started anew."""
        self._wait_for(lambda: self.runtime.rest.restarts(job_id) is not None)
        return self.runtime.rest.restarts(job_id)

    def run(self, **values: Any) -> None:
        """Let a job read all that is on the raw topic now; it must not be started twice."""
        with self.job(**values) as job_id:
            self.wait_until_read(job_id)
            assert self.restarts(job_id) == 0
