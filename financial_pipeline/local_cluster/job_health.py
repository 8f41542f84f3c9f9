"""Health of a Flink job: checkpoints complete and the watermark moves. RUNNING says nothing."""

import time
from dataclasses import dataclass
from typing import Any

from financial_pipeline.local_cluster.flink_rest import FlinkRefused
from financial_pipeline.local_cluster.flink_state import completed_checkpoint
from financial_pipeline.local_cluster.runtime import LocalRuntime

# Longer than any recovery that was measured; a job without a checkpoint for so long is not well.
STALE_SECONDS = 30.0
# For each answer the JobManager fetches all metrics of all TaskManagers.
WATERMARK_SECONDS = 5.0


@dataclass
class JobHealth:
    """What was seen of one job, by its name."""

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
