"""A local Kafka and Flink for `bench stream`, how far its job has read, and what keeps it busy."""

import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from financial_pipeline.bench.process_use import processor_seconds, repeating
from financial_pipeline.bench.stream_load import Gate
from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.flink_state import completed_checkpoint
from financial_pipeline.local_cluster.runtime import LocalRuntime, local_runtime
from financial_pipeline.schemas.stream import RAW_TOPIC
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.job_script import JOB, Delivery, job_script
from financial_pipeline.streaming.local_stream import job_values, plan_of
from financial_pipeline.streaming.progress import is_passed_on, unread

READY_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 1.0
# A job that reads nothing for this many seconds has stopped.
STALL_SECONDS: Final = 60.0
ATTEMPTS: Final = 30
# Operators and stacks are sampled at every fifth look.
PROFILE_EVERY: Final = 5
RATES: Final = ("busyTimeMsPerSecond", "backPressuredTimeMsPerSecond", "numRecordsInPerSecond")
FRAME: Final = re.compile(r"^\s+at ([\w.$]+)\.([\w$<>]+)\(", re.MULTILINE)
# Frames of the Java runtime and of waiting do not show which operator works.
IDLE: Final = re.compile(r"\.(wait0?|park|poll|epollWait|sleep|accept0?)\(|Object\.wait")


@dataclass(frozen=True)
class RunningJob:
    """A job on a runtime of its own."""

    runtime: LocalRuntime
    job_id: str
    # The consumer group whose offsets the job's checkpoints commit.
    group: str = JOB

    def lag(self, *, is_ending: bool = False) -> tuple[int, int]:
        """Messages on the raw topic, and those that no checkpoint has read yet.

        `is_ending` asks Flink too, which knows at once when all is read.
        """
        for attempt in range(ATTEMPTS):
            try:
                return self._lag(is_ending)
            except KafkaException:
                # The broker has not found the group's coordinator yet, or is busy.
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(1.0)
        raise AssertionError("unreachable")

    def _lag(self, is_ending: bool) -> tuple[int, int]:
        client = self.runtime.client | {"group.id": self.group, "enable.auto.commit": False}
        with closing(Consumer(client)) as consumer:
            known = consumer.list_topics(RAW_TOPIC, timeout=10).topics[RAW_TOPIC].partitions
            places = [TopicPartition(RAW_TOPIC, part) for part in known]
            ends = {
                place.partition: consumer.get_watermark_offsets(place, timeout=10)[1]
                for place in places
            }
            if is_ending and is_passed_on(self.runtime.rest, self.job_id, RAW_TOPIC, ends):
                return sum(ends.values()), 0
            return sum(ends.values()), unread(consumer, RAW_TOPIC, ends)

    def wait_until_drained(self) -> float:
        """Wait until everything on the topic has been read; the monotonic time of seeing it."""
        least, since = -1, time.monotonic()
        while (left := self.lag(is_ending=True)[1]) > 0:
            if left != least:
                least, since = left, time.monotonic()
            if time.monotonic() - since > STALL_SECONDS:
                raise PipelineError(f"The job stopped reading with {left:,} messages left.")
            time.sleep(0.2)
        return time.monotonic()

    def busy(self) -> list[dict[str, Any]]:
        """Each operator chain: its name, and busy and backpressured shares of its busiest task."""
        rows = []
        for vertex in self.runtime.rest.get(f"/jobs/{self.job_id}")["vertices"]:
            path = f"/jobs/{self.job_id}/vertices/{vertex['id']}/subtasks/metrics"
            answer = self.runtime.rest.get(f"{path}?get={','.join(RATES)}&agg=max")
            found = {one["id"]: one["max"] for one in answer}
            busy, pressed, records = (_number(found.get(name)) for name in RATES)
            rows.append(
                {
                    "operator": vertex["name"][:80],
                    "busy": round(busy / 1000, 2),
                    "backpressured": round(pressed / 1000, 2),
                    "records_in_per_second": round(records),
                }
            )
        return rows


def _number(value: Any) -> float:
    return float(value) if value not in (None, "NaN") else 0.0


@contextmanager
def own_runtime(folder: Path) -> Iterator[LocalRuntime]:
    """Kafka and Flink from nothing, on free ports; all gone at the end."""
    with local_runtime(
        replace(plan_of(Settings(), folder / "state"), kafka_port=None, rest_port=None)
    ) as runtime:
        yield runtime


def start_job(runtime: LocalRuntime, script: str, group: str = JOB) -> RunningJob:
    """Submit a job without any state and wait for its first checkpoint."""
    job = RunningJob(runtime, runtime.submit(script, fresh=True), group)
    deadline = time.monotonic() + READY_SECONDS
    while not completed_checkpoint(runtime.flink.folder, job.job_id):
        if time.monotonic() > deadline:
            raise PipelineError("The job completes no checkpoint; see the logs of Flink.")
        time.sleep(0.1)
    return job


def whole_job(runtime: LocalRuntime, delivery: Delivery = "at-least-once") -> RunningJob:
    """The job as `stream up` starts it."""
    values = replace(job_values(Settings(), runtime), delivery=delivery)
    return start_job(runtime, job_script(values))


def drain_rate(job: RunningJob) -> float:
    """Messages a second that a job reads from a topic which nobody writes, first seconds apart."""
    total, left = job.lag()
    while left == total:
        time.sleep(0.2)
        total, left = job.lag()
    began = time.monotonic()
    ended = job.wait_until_drained()
    job.runtime.rest.cancel(job.job_id)
    return left / max(ended - began, 1e-9)


def cpu_seconds(runtime: LocalRuntime) -> dict[str, float]:
    """Processor seconds used so far by each process of the runtime, and by this one: `producer`."""
    found = {
        name: processor_seconds(process.pid)
        for name, process in runtime.processes.items()
        if process.pid
    }
    used = {name: seconds for name, seconds in found.items() if seconds is not None}
    return {"producer": time.process_time(), **used}


class Sampler:
    """Looks at a job every second in a thread, and shuts the gate while too much is unread."""

    def __init__(self, job: RunningJob, gate: Gate, lag_limit: int) -> None:
        self.job, self.gate, self.lag_limit = job, gate, lag_limit
        # Seconds since the start, and messages not read yet.
        self.lags: list[tuple[float, int]] = []
        self.busy: list[dict[str, Any]] = []
        self.frames: Counter[str] = Counter()
        self.cpu: dict[str, float] = {}
        self._started = time.monotonic()

    @contextmanager
    def sampling(self) -> Iterator[None]:
        """Look at the job for the length of the block."""
        before = cpu_seconds(self.job.runtime)
        with repeating(self._look, LOOK_SECONDS):
            yield
        after = cpu_seconds(self.job.runtime)
        self.cpu = {name: used - before.get(name, 0.0) for name, used in after.items()}

    def _look(self) -> None:
        left = self.job.lag()[1]
        self.gate.is_open = left <= self.lag_limit
        self.lags.append((time.monotonic() - self._started, left))
        if len(self.lags) % PROFILE_EVERY == 0:
            # A busy JobManager may not answer in time; the next sample retries.
            with suppress(OSError):
                self.busy = self.job.busy()
            self.frames.update(top_frames(self.job.runtime))

    def tenths(self, seconds: float) -> list[int]:
        """Return the lag at each tenth of this many seconds."""
        due = [seconds * tenth / 10 for tenth in range(1, 11)]
        return [min(self.lags, key=lambda one: abs(one[0] - at))[1] for at in due if self.lags]


def top_frames(runtime: LocalRuntime) -> list[str]:
    """The method that each running thread of the TaskManager is in, by one look at its stacks."""
    tool = Path(runtime.java).resolve().with_name("jstack")
    pid = runtime.processes["taskmanager-1"].pid
    if not tool.exists() or not pid:
        return []
    done = subprocess.run([tool, str(pid)], capture_output=True, text=True, timeout=30, check=False)
    threads = [part for part in done.stdout.split("\n\n") if "State: RUNNABLE" in part]
    found = [FRAME.search(part) for part in threads if not IDLE.search(part.split("\tat", 2)[-1])]
    return [f"{match[1].rsplit('.', 1)[-1]}.{match[2]}" for match in found if match]
