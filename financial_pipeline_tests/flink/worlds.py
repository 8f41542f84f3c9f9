"""Topics of one's own on a cluster that many tests share, with a job of one's own between them."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import polars as pl
from confluent_kafka import Consumer, KafkaException, Producer

from financial_pipeline.local_cluster.flink_rest import FlinkRefused
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.topics import create_topics
from financial_pipeline.schemas.stream import RAW_TOPIC
from financial_pipeline.streaming import progress
from financial_pipeline.streaming.job_script import JobValues, job_script
from financial_pipeline.streaming.kafka_log import KafkaLog
from financial_pipeline.streaming.local_stream import stream_topics
from financial_pipeline.streaming.message_log import Ranges, TopicState
from financial_pipeline_tests.flink.kills import next_checkpoint
from financial_pipeline_tests.streaming.stream_world import Sent

# Far above what an idle machine needs for any visible step.
PATIENCE_SECONDS = 240.0
# Below what the client keeps in memory at most.
UNSENT_MESSAGES = 50_000
# The watermark of the last message leaves the source up to 200 ms after it.
CHECKPOINTS = {"execution.checkpointing.interval": "400 ms"}


class PrefixedLog(KafkaLog):
    """The topics of one world on a cluster, under the names that they have without it."""

    def __init__(self, world: "World") -> None:
        super().__init__(world.runtime.client)
        self._world = world

    def states(self, topics: Sequence[str]) -> dict[str, TopicState]:
        named = {self._world.topic(topic): topic for topic in topics}
        return {named[topic]: state for topic, state in super().states(list(named)).items()}

    def read(self, topic: str, ranges: Ranges) -> pl.DataFrame:
        return super().read(self._world.topic(topic), ranges)


@dataclass(frozen=True)
class World:
    """All topics of the stream once more on `runtime`, each name after `prefix`.

    Where `raw_topic` is given, the job reads that one.
    """

    runtime: LocalRuntime
    prefix: str = field(default_factory=lambda: f"w{uuid4().hex[:8]}_")
    raw_topic: str | None = None

    def __post_init__(self) -> None:
        topics = {self.prefix + name: count for name, count in stream_topics().items()}
        create_topics(self.runtime.client, topics, min(3, self.runtime.plan.brokers))

    def topic(self, name: str) -> str:
        """The name here of a topic of the stream."""
        return self.raw_topic or self.prefix + name if name == RAW_TOPIC else self.prefix + name

    @property
    def log(self) -> PrefixedLog:
        return PrefixedLog(self)

    def send(self, messages: Iterable[Sent]) -> None:
        """Put messages on the raw topic, each partition in their order."""
        options = {"enable.idempotence": True, "message.max.bytes": 2_000_000}
        producer = Producer(self.runtime.client | options)
        failures: list[object] = []
        for partition, (at, key, value) in messages:
            while len(producer) > UNSENT_MESSAGES:
                producer.poll(0.1)
            producer.produce(
                self.topic(RAW_TOPIC),
                value,
                key,
                partition,
                timestamp=at,
                on_delivery=lambda error, _message: failures.append(error) if error else None,
            )
        self.wait_for(lambda: producer.flush(1) == 0, lambda: len(producer))
        assert failures == []

    @contextmanager
    def job(self, **values: Any) -> Iterator[str]:
        """A running job between the topics; `values` are more of `JobValues`. Gives its id."""
        options = {"configuration": CHECKPOINTS} | values
        names = {"prefix": self.prefix, "raw_topic": self.topic(RAW_TOPIC)}
        script = job_script(JobValues(self.runtime.bootstrap_servers, **names, **options))
        job_id = self._submitted(script)
        try:
            yield job_id
        finally:
            self.runtime.rest.cancel(job_id)
            running = self.runtime.running_jobs
            self.wait_for(lambda: job_id not in {job["jid"] for job in running()})

    @staticmethod
    def wait_for(holds: Callable[[], bool], progress: Callable[[], object] = lambda: None) -> None:
        """Until it holds; patience begins again whenever `progress` changes."""
        seen, deadline = progress(), time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if (now := progress()) != seen:
                seen, deadline = now, time.monotonic() + PATIENCE_SECONDS
            assert time.monotonic() < deadline, f"waited in vain at {seen}"
            time.sleep(0.3)

    def _submitted(self, script: str) -> str:
        """The id of a new job. A JobManager that was killed lately may refuse a first time."""
        for _ in range(3):
            try:
                return self.runtime.submit(script, fresh=True)
            except FlinkRefused as error:
                if "AskTimeoutException" not in str(error):
                    raise
                time.sleep(2)
        return self.runtime.submit(script, fresh=True)

    def raw_ends(self) -> dict[int, int]:
        """The end of each partition of the raw topic now."""
        return self.log.end_offsets([RAW_TOPIC])[RAW_TOPIC]

    def unread(self, ends: dict[int, int]) -> int:
        """Count the messages between the last checkpoint and these ends."""
        group = JobValues("", prefix=self.prefix).job
        with closing(Consumer(self.runtime.client | {"group.id": group})) as consumer:
            try:
                return progress.unread(consumer, self.topic(RAW_TOPIC), ends)
            except KafkaException:
                # A group that was never asked for, or whose broker died, has no coordinator yet.
                return sum(ends.values())

    def wait_until_read(self, job_id: str, ends: dict[int, int] | None = None) -> None:
        """Until all that is on the raw topic now, or before `ends`, went through to the sinks."""
        wanted = self.raw_ends() if ends is None else ends

        def is_passed_on() -> bool:
            topic = self.topic(RAW_TOPIC)
            return progress.is_passed_on(self.runtime.rest, job_id, topic, wanted)

        furthest = 0

        def reached() -> int:
            nonlocal furthest
            with suppress(OSError, FlinkRefused):
                passed = self.runtime.rest.source_offsets(job_id, self.topic(RAW_TOPIC))
                furthest = max(furthest, sum(passed.values()))
            return furthest

        self.wait_for(lambda: is_passed_on() or self.unread(wanted) <= 0, reached)
        self._two_checkpoints(job_id)
        if not is_passed_on():
            # The job restarted: only messages before a checkpoint are certain.
            self.wait_for(lambda: self.unread(wanted) <= 0, reached)
            self._two_checkpoints(job_id)

    def _two_checkpoints(self, job_id: str) -> None:
        """Wait for two checkpoints: messages read before the first are written at the second."""
        for _ in range(2):
            next_checkpoint(self.runtime, job_id)

    def restarts(self, job_id: str) -> int | None:
        """Return how often the job restarted."""
        self.wait_for(lambda: self.runtime.rest.restarts(job_id) is not None)
        return self.runtime.rest.restarts(job_id)

    def run(self, **values: Any) -> None:
        """Let a job read all that is on the raw topic now.

        A busy machine may stop a TaskManager's heartbeats, and the job restarts: no matter here.
        """
        with self.job(**values) as job_id:
            self.wait_until_read(job_id)
