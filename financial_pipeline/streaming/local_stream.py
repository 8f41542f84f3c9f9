"""The local cluster of the stream, and the process behind `stream up` that runs its job.

`python -m financial_pipeline.streaming.local_stream STATE [PARENT]` reads its settings from the
environment, as every command does. It ends with the process PARENT, if one is given.
"""

import hashlib
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.jars import jar_source
from financial_pipeline.local_cluster.java import RuntimeUnavailable
from financial_pipeline.local_cluster.java_classes import SOURCES
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan
from financial_pipeline.local_cluster.status import Status, hold_lock, write_status
from financial_pipeline.local_cluster.supervisor import Supervisor
from financial_pipeline.redaction import redact
from financial_pipeline.schemas.stream import (
    DEAD_LETTER_TOPIC,
    LATE_TOPIC,
    MACRO_TOPIC,
    RAW_TOPIC,
    TOPICS,
    flink_columns,
)
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.job_script import (
    JOB,
    JOB_FOLDER,
    SINKS,
    JobValues,
    job_script,
)

# Prefixes of lines of SQL that change nothing.
COMMENT = "--"
# The module that `control.up` starts as a process of its own.
SUPERVISOR = "financial_pipeline.streaming.local_stream"
PARTITIONS = 3
# Topics with few messages, read for checks: one partition keeps the order of all messages.
NARROW = (DEAD_LETTER_TOPIC, LATE_TOPIC, MACRO_TOPIC)
# During a batch run the stream takes only the processor time that is left.
BATCH_NICENESS = 10
# The stream may pause for long then, and nothing waits for the recovery of a process.
BATCH_SILENCE_SECONDS = 30.0
# More tasks take processor time from the batch run, which the user waits for.
BATCH_PARALLELISM = 1
# Java's second compiler pays only for a stream that runs for long.
BATCH_JAVA_FLAGS = ("-XX:TieredStopAtLevel=1",)


def stream_topics() -> dict[str, int]:
    """Return the name and number of partitions of every topic of the stream."""
    return {topic: 1 if topic in NARROW else PARTITIONS for topic in TOPICS}


def plan_of(settings: Settings, state: Path) -> RuntimePlan:
    """The runtime that the settings describe."""
    return RuntimePlan(
        state=state,
        jars=jar_source(settings),
        kafka_port=settings.kafka_port,
        rest_port=settings.flink_port,
        secure=settings.kafka_secure,
        topics=stream_topics(),
    )


def job_values(settings: Settings, runtime: LocalRuntime) -> JobValues:
    """Return the values of the settings and a runtime for the job's SQL."""
    return values_of(settings, runtime.bootstrap_servers, runtime.flink_client())


def values_of(settings: Settings, servers: str, client: Mapping[str, str]) -> JobValues:
    """Return the values of the settings for the SQL of a job that reads these brokers."""
    return JobValues(
        servers,
        settings.stream_delivery,
        settings.stream_bar_seconds,
        settings.stream_parallelism,
        client,
    )


def job_facts(settings: Settings) -> dict[str, str]:
    """Return the identities that a checkpoint of the job belongs to, by a name for people."""
    code = hashlib.sha256()
    for file in sorted([*JOB_FOLDER.glob("*.sql"), *SOURCES.glob("*.java")]):
        lines = file.read_text("utf-8").splitlines()
        code.update("\n".join(line for line in lines if line[:2] != COMMENT).encode())
    sinks = [(view, *sink, flink_columns(sink[0])) for view, sink in SINKS.items()]
    code.update(repr(sinks).encode())
    return {
        "the width of the bars (FINANCIAL_PIPELINE_STREAM_BAR_SECONDS)": (
            f"{settings.stream_bar_seconds} s"
        ),
        "the version of the job's SQL and Java": code.hexdigest()[:12],
    }


def supervise(state: Path, parent: int | None = None) -> None:
    """Run until SIGTERM, or until `parent` is gone.

    Writes a fault to `status.json`, without secrets, ends all processes and exits with it.
    """
    runtime = None
    try:
        settings = Settings()
        plan = plan_of(settings, state)
        if parent is not None:
            os.nice(BATCH_NICENESS)
            plan = replace(plan, silence_seconds=BATCH_SILENCE_SECONDS, java_flags=BATCH_JAVA_FLAGS)
            settings = settings.model_copy(update={"stream_parallelism": BATCH_PARALLELISM})
        runtime = LocalRuntime(plan)
        scripts = {JOB: job_script(job_values(settings, runtime))}
        supervisor = Supervisor(state, runtime, scripts, RAW_TOPIC, job_facts(settings), parent)

        def stop(_signal: int, _frame: FrameType | None) -> None:
            supervisor.asked_to_stop.set()

        signal.signal(signal.SIGTERM, stop)
        supervisor.run()
    except Exception as error:
        if runtime:
            runtime.end()
        text = (
            str(error) if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"
        )
        absent = isinstance(error, RuntimeUnavailable)
        write_status(state, Status("failed", os.getpid(), error=text, is_absent=absent))
        sys.exit(redact(text if isinstance(error, PipelineError) else traceback.format_exc()))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with hold_lock(folder):
        supervise(folder, int(sys.argv[2]) if len(sys.argv) > 2 else None)
