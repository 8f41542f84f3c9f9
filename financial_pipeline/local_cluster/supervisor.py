"""The process that keeps a local cluster and its jobs alive until it is asked to stop.

It reports their state in `STATE/status.json`.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from financial_pipeline.local_cluster.control import RESET
from financial_pipeline.local_cluster.flink_rest import FlinkRefused
from financial_pipeline.local_cluster.flink_state import completed_checkpoint, require_same_job
from financial_pipeline.local_cluster.runtime import LocalRuntime
from financial_pipeline.local_cluster.status import Status, write_status
from financial_pipeline.local_cluster.topics import topic_identity

# Longer than any measured recovery; a job without a checkpoint for this long is unhealthy.
STALE_SECONDS = 30.0
# For each answer the JobManager fetches all metrics of all TaskManagers.
WATERMARK_SECONDS = 5.0
LOOK_SECONDS = 1.0


@dataclass
class JobHealth:
    """The last observation of one job, by its name."""

    name: str
    job_id: str
    state: str = "CREATED"
    checkpoint: int = 0
    checkpoint_at: float = 0.0
    watermark_ms: int | None = None
    watermark_moved_at: float | None = None
    watermark_asked_at: float = 0.0
    seen_at: float = 0.0

    def observe(self, runtime: LocalRuntime) -> None:
        """Look again; where Flink does not answer, only the checkpoints on disk are read."""
        now = time.time()
        number = completed_checkpoint(runtime.flink.folder, self.job_id)
        if number > self.checkpoint:
            self.checkpoint, self.checkpoint_at = number, now
        try:
            jobs = {job["jid"]: job["state"] for job in runtime.rest.jobs()}
            self.state = jobs.get(self.job_id, "ABSENT")
            self._observe_watermark(runtime, now)
        except (OSError, FlinkRefused):
            self.state = "UNKNOWN"
            return
        if self.state not in ("ABSENT", "FAILED", "CANCELED"):
            self.seen_at = now

    def _observe_watermark(self, runtime: LocalRuntime, now: float) -> None:
        if now - self.watermark_asked_at < WATERMARK_SECONDS:
            return
        self.watermark_asked_at = now
        watermark = runtime.rest.watermark_ms(self.job_id)
        if watermark is not None and watermark != self.watermark_ms:
            self.watermark_ms, self.watermark_moved_at = watermark, now

    @property
    def is_healthy(self) -> bool:
        """Whether a checkpoint was completed lately."""
        return time.time() - self.checkpoint_at < STALE_SECONDS

    @property
    def is_lost(self) -> bool:
        """Whether Flink answers but has not known the job for long."""
        lost = self.state in ("ABSENT", "FAILED", "CANCELED")
        return lost and time.time() - self.seen_at > STALE_SECONDS

    def report(self) -> dict[str, Any]:
        """For `status.json`."""
        return {
            "name": self.name,
            "job_id": self.job_id,
            "state": self.state,
            "healthy": self.is_healthy,
            "checkpoint": self.checkpoint,
            "checkpoint_at": self.checkpoint_at or None,
            "watermark_ms": self.watermark_ms,
            "watermark_moved_at": self.watermark_moved_at,
        }


class Supervisor:
    """Keeps one runtime and its jobs alive; `scripts` are the jobs' SQL by name.

    With `parent` it stops when that process is gone. `facts` are what the jobs' checkpoints depend
    on, in addition to the identity of the topic `source`.
    """

    def __init__(
        self,
        state: Path,
        runtime: LocalRuntime,
        scripts: dict[str, str],
        source: str,
        facts: Mapping[str, str],
        parent: int | None = None,
    ) -> None:
        self.state = state
        self.parent = parent
        self.runtime = runtime
        self.scripts = scripts
        self.source = source
        self.facts = facts
        self.jobs: dict[str, JobHealth] = {}
        self.asked_to_stop = threading.Event()

    def run(self) -> None:
        """Start, watch until asked to stop, stop with savepoints."""
        self.report("starting")
        self.runtime.start()
        topic = {f"the topic {self.source}": topic_identity(self.runtime.client, self.source)}
        require_same_job(self.runtime.flink.folder, {**self.facts, **topic}, RESET)
        while not self.asked_to_stop.wait(LOOK_SECONDS) and not self.is_orphan:
            self.look()
        self.report("stopping")
        savepoints = self.runtime.stop()
        self.report("stopped", savepoints=[str(path) for path in savepoints])

    @property
    def is_orphan(self) -> bool:
        """Whether the process that it works for is gone."""
        return self.parent is not None and os.getppid() != self.parent

    def look(self) -> None:
        """Submit jobs that were not submitted or were lost, and report the state of the jobs."""
        for name, script in self.scripts.items():
            if name not in self.jobs or self.jobs[name].is_lost:
                self.jobs[name] = JobHealth(name, self.runtime.submit(script))
            self.jobs[name].observe(self.runtime)
        well = all(job.is_healthy for job in self.jobs.values())
        fresh = any(not job.checkpoint for job in self.jobs.values())
        self.report("healthy" if well else "starting" if fresh else "unhealthy")

    def report(self, phase: str, **more: Any) -> None:
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
