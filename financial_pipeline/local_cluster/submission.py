"""Submitting a job to a Flink whose JobManager may lose its place meanwhile.

A refusal for want of a leader is not the job's fault, so it is submitted again; not before it is
sure that the JobManager which comes back does not bring the job with it, or it would run twice.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.error import URLError

from financial_pipeline.local_cluster.flink_rest import FlinkLeaderless, FlinkRefused, FlinkRest

PATIENCE_SECONDS: Final = 120.0
# A JobManager that answers again recovers its jobs within this many seconds.
RECOVERY_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.5


def submit(
    rest: FlinkRest,
    driver: Path,
    script: str,
    state: Path | str | None,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Submit an SQL script from a state, again where Flink has lost its leader; the job's id.

    Raises `FlinkRefused` if a retry would not help, and two minutes after the first refusal.
    """
    deadline = now() + PATIENCE_SECONDS
    while (known := _jobs(rest)) is None and now() < deadline:
        sleep(LOOK_SECONDS)
    is_first = True
    while True:
        try:
            return rest.run_script(driver, script, state)
        except (FlinkLeaderless, URLError, ConnectionError):
            if is_first:
                # A busy machine may plan the job for minutes before Flink refuses it.
                is_first, deadline = False, now() + PATIENCE_SECONDS
            recovered = _find_submitted_job(rest, known or set(), deadline, now, sleep)
            if recovered:
                return recovered
            if now() >= deadline:
                raise


def _find_submitted_job(
    rest: FlinkRest,
    known: set[str],
    deadline: float,
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> str | None:
    """The job that was taken all the same, once the JobManager has answered for long enough."""
    answered = 0.0
    while answered < RECOVERY_SECONDS and now() < deadline:
        found = _jobs(rest)
        if found and found - known:
            return min(found - known)
        answered = 0.0 if found is None else answered + LOOK_SECONDS
        sleep(LOOK_SECONDS)
    return None


def _jobs(rest: FlinkRest) -> set[str] | None:
    """Ids of all jobs; None where nobody answers."""
    try:
        return {job["jid"] for job in rest.jobs()}
    except (OSError, FlinkRefused):
        return None
