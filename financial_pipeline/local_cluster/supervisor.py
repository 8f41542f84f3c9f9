"""The process behind `stream up`: runs Kafka, Flink and the job until it is asked to stop.

`python -m financial_pipeline.streaming.local.supervisor STATE [PARENT]` reads its settings from the
environment, as every command does, and tells what it sees in `STATE/status.json`. It ends with the
process PARENT, where one is given.
"""

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.java import RuntimeNotToBeHad
from financial_pipeline.local_cluster.job_health import JobHealth
from financial_pipeline.local_cluster.runtime import LocalRuntime, RuntimePlan
from financial_pipeline.local_cluster.status import Status, hold_lock, write_status
from financial_pipeline.settings import Settings
from financial_pipeline.streaming.job_script import JOB, JobValues, job_script

LOOK_SECONDS = 1.0
# Beside a batch chain the stream takes the processor time that is left: it is done long before.
BESIDE_NICENESS = 10
# There it may stand still for long, and nothing waits for the recovery of a process.
BESIDE_SILENCE_SECONDS = 30.0
# More tasks take processor time from the batch chain, which is what the user waits for.
BESIDE_PARALLELISM = 1
# Java's second compiler pays only for a stream that goes on.
BESIDE_JAVA_FLAGS = ("-XX:TieredStopAtLevel=1",)


def plan_of(settings: Settings, state: Path) -> RuntimePlan:
    """The runtime that the settings describe."""
    return RuntimePlan(
        state=state,
        jars_cache=settings.jars_cache,
        flink_environment=settings.flink_environment,
        jars_folder=settings.jars_dir,
        maven_mirror=settings.maven_mirror,
        kafka_port=settings.kafka_port,
        rest_port=settings.flink_port,
        secure=settings.kafka_secure,
    )


def job_values(settings: Settings, runtime: LocalRuntime) -> JobValues:
    """What the settings and a runtime fill into the job's SQL."""
    return JobValues(
        runtime.bootstrap_servers,
        settings.stream_delivery,
        settings.stream_bar_seconds,
        settings.stream_parallelism,
        runtime.flink_client(),
    )


class Supervisor:
    """Keeps one runtime and its jobs alive; `scripts` are the jobs' SQL by name.

    With `parent` it stops when that process is gone.
    """

    def __init__(
        self,
        state: Path,
        runtime: LocalRuntime,
        scripts: dict[str, str],
        parent: int | None = None,
    ) -> None:
        self.state = state
        self.parent = parent
        self.runtime = runtime
        self.scripts = scripts
        self.jobs: dict[str, JobHealth] = {}
        self.asked_to_stop = threading.Event()

    def run(self) -> None:
        """Start, watch until asked to stop, stop with savepoints."""
        self.tell("starting")
        self.runtime.start()
        while not self.asked_to_stop.wait(LOOK_SECONDS) and not self.is_orphan:
            self.look()
        self.tell("stopping")
        savepoints = self.runtime.stop()
        self.tell("stopped", savepoints=[str(path) for path in savepoints])

    @property
    def is_orphan(self) -> bool:
        """Whether the process that it works for is gone."""
        return self.parent is not None and os.getppid() != self.parent

    def look(self) -> None:
        """Submit what is not submitted or was lost, and tell how the jobs are."""
        for name, script in self.scripts.items():
            if name not in self.jobs or self.jobs[name].is_lost:
                self.jobs[name] = JobHealth(name, self.runtime.submit(script))
            self.jobs[name].observe(self.runtime)
        well = all(job.is_healthy for job in self.jobs.values())
        fresh = any(not job.checkpoint for job in self.jobs.values())
        self.tell("healthy" if well else "starting" if fresh else "unhealthy")

    def tell(self, phase: str, **more: Any) -> None:
        """Write `status.json`."""
        processes = [
            {"name": each.name, "pid": each.pid, "restarts": each.restarts}
            for each in self.runtime.processes.values()
        ]
        status = Status(
            phase=phase,
            pid=os.getpid(),
            bootstrap_servers=self.runtime.bootstrap_servers,
            rest_url=self.runtime.rest_url,
            processes=processes,
            jobs=[job.report() for job in self.jobs.values()],
            **more,
        )
        write_status(self.state, status)


def supervise(state: Path, parent: int | None = None) -> None:
    """Run until SIGTERM, or until `parent` is gone.

    A fault is told in `status.json` and ends everything.
    """
    runtime = None
    try:
        settings = Settings()
        plan = plan_of(settings, state)
        if parent is not None:
            os.nice(BESIDE_NICENESS)
            plan = replace(
                plan, silence_seconds=BESIDE_SILENCE_SECONDS, java_flags=BESIDE_JAVA_FLAGS
            )
            settings = settings.model_copy(update={"stream_parallelism": BESIDE_PARALLELISM})
        runtime = LocalRuntime(plan)
        scripts = {JOB: job_script(job_values(settings, runtime))}
        supervisor = Supervisor(state, runtime, scripts, parent)

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
        absent = isinstance(error, RuntimeNotToBeHad)
        write_status(state, Status("failed", os.getpid(), error=text, is_absent=absent))
        raise


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with hold_lock(folder):
        supervise(folder, int(sys.argv[2]) if len(sys.argv) > 2 else None)
