"""Progress of a local stream's job: the messages that it read, and those that are safe."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, TopicPartition

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.connection import Connection
from financial_pipeline.local_cluster.flink_rest import FlinkRefused, FlinkRest
from financial_pipeline.local_cluster.status import read_status
from financial_pipeline.schemas.stream import RAW_TOPIC
from financial_pipeline.streaming.job_script import JOB
from financial_pipeline.streaming.kafka_log import KafkaLog

LOOK_SECONDS: Final = 0.3
REQUEST_SECONDS: Final = 30.0
PATIENCE_SECONDS: Final = 300.0
# A window closes within a fraction of a second after the message that closes it; of two further
# checkpoints the second began after that.
FURTHER_CHECKPOINTS: Final = 2


def unread(reader: Consumer, topic: str, ends: Mapping[int, int]) -> int:
    """Count the messages before these ends that no checkpoint of the job contains.

    `reader` is of the job's consumer group; partition -> end offset. Raises `KafkaException` while
    the group has no coordinator.
    """
    places = [TopicPartition(topic, partition) for partition in ends]
    read = reader.committed(places, timeout=REQUEST_SECONDS)
    # Nothing was committed at a negative offset; what came behind an end makes up for no other.
    return sum(max(0, ends[place.partition] - max(place.offset, 0)) for place in read)


def is_passed_on(rest: FlinkRest, job_id: str, topic: str, ends: Mapping[int, int]) -> bool:
    """Return whether the source of a job that never restarted has passed on all before these ends.

    `unread` says so later: the connector commits between two polls, and one poll of a topic on
    which nothing comes takes ten seconds. False too where Flink does not answer.
    """
    try:
        if rest.restarts(job_id) != 0:
            return False
        passed = rest.source_offsets(job_id, topic)
    except (OSError, FlinkRefused):
        return False
    return all(passed.get(partition, 0) >= end for partition, end in ends.items())


def wait_until_processed(state: Path, brokers: Connection) -> None:
    """Return when all that is on the raw topic now is read, and its bars are on their topics.

    `state` is the folder of the local stream. Raises `PipelineError` after PATIENCE_SECONDS.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    ends = KafkaLog(brokers.confluent()).end_offsets([RAW_TOPIC])[RAW_TOPIC]
    reader = Consumer(brokers.confluent() | {"group.id": JOB, "enable.auto.commit": False})
    with closing(reader):
        _wait(deadline, state, lambda: _is_read(state, ends) or not unread(reader, RAW_TOPIC, ends))
        _further_checkpoints(deadline, state)
        if not _is_read(state, ends):
            # The job restarted: only messages before a checkpoint are certain.
            _wait(deadline, state, lambda: not unread(reader, RAW_TOPIC, ends))
            _further_checkpoints(deadline, state)


def _is_read(state: Path, ends: Mapping[int, int]) -> bool:
    status = read_status(state)
    if not status or not status.jobs:
        return False
    rest = FlinkRest(status.rest_url)
    return all(is_passed_on(rest, job["job_id"], RAW_TOPIC, ends) for job in status.jobs)


def _further_checkpoints(deadline: float, state: Path) -> None:
    enough = _checkpoint(state) + FURTHER_CHECKPOINTS
    _wait(deadline, state, lambda: _checkpoint(state) >= enough)


def _checkpoint(state: Path) -> int:
    status = read_status(state)
    return min((int(job["checkpoint"]) for job in status.jobs), default=0) if status else 0


def _wait(deadline: float, state: Path, is_done: Callable[[], bool]) -> None:
    while not is_done():
        if time.monotonic() > deadline:
            raise PipelineError(
                f"The job did not read {RAW_TOPIC} to its end in time; see `financial-pipeline"
                f" stream status` and the logs in {state}."
            )
        time.sleep(LOOK_SECONDS)
