"""Kill processes of a runtime one after the other and measure when the job is back."""

import time
from dataclasses import dataclass

from financial_pipeline.local_cluster.flink_state import completed_checkpoint
from financial_pipeline.local_cluster.runtime import LocalRuntime

# Far above the 20 s that an idle machine needs at most; see the measured figures in the output.
PATIENCE_SECONDS = 120.0
# A checkpoint that was all but done when the process died does not count.
SETTLE_SECONDS = 0.5
PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Recovery:
    """Measure the time from a kill to the next completed checkpoint."""

    process: str
    seconds: float


def next_checkpoint(runtime: LocalRuntime, job_id: str) -> float:
    """Seconds until the job completes another checkpoint."""
    started = time.monotonic()
    before = completed_checkpoint(runtime.flink.folder, job_id)
    while completed_checkpoint(runtime.flink.folder, job_id) <= before:
        waited = time.monotonic() - started
        assert waited < PATIENCE_SECONDS, f"no checkpoint after {before} for {waited:.0f} s"
        time.sleep(0.05)
    return time.monotonic() - started


def kill_in_turn(runtime: LocalRuntime, job_id: str, names: list[str]) -> list[Recovery]:
    """SIGKILL each process by name; the runtime respawns it."""
    recoveries = []
    for name in names:
        runtime.kill(name)
        time.sleep(SETTLE_SECONDS)
        seconds = SETTLE_SECONDS + next_checkpoint(runtime, job_id)
        recoveries.append(Recovery(name, round(seconds, 1)))
        print(f"{name}: next checkpoint {seconds:.1f} s after SIGKILL", flush=True)
        time.sleep(PAUSE_SECONDS)
    return recoveries
