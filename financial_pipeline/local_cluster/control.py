"""Start and stop the supervisor of a data root from another process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import move_folder
from financial_pipeline.local_cluster.java import RuntimeUnavailable
from financial_pipeline.local_cluster.processes import end_leftovers
from financial_pipeline.local_cluster.status import Status, is_running, read_status

# Advice for all cases in which the kept data of a stream is unusable; docs/streaming.md lists them.
RESET = (
    "Run `financial-pipeline stream down` and `financial-pipeline stream reset`: it sets the data"
    " of this stream aside, and the next `stream up` and `stream land` start over."
)
SET_ASIDE = "stream_set_aside"
UP_SECONDS = 300.0
DOWN_SECONDS = 120.0


def _wait(seconds: float, done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def up(state: Path, supervisor: str, *, tied: bool = False) -> Status:
    """Start the module `supervisor`, detached, and wait until its job completes checkpoints.

    A `tied` one stops when this process ends. Raises `RuntimeUnavailable` if Kafka or Flink is not
    installed, `PipelineError` if a stream is already running or does not start.
    """
    if is_running(state):
        raise PipelineError(
            f"The stream below {state.parent} is already running: see `financial-pipeline stream "
            "status`, or stop it with `financial-pipeline stream down`."
        )
    state.mkdir(parents=True, exist_ok=True)
    (state / "status.json").unlink(missing_ok=True)
    with (state / "supervisor.output.txt").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", supervisor, str(state), *([str(os.getpid())] if tied else [])],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def current_status() -> Status:
        return read_status(state) or Status(phase="starting", pid=process.pid)

    settled = _wait(
        UP_SECONDS,
        lambda: process.poll() is not None or current_status().phase in ("healthy", "failed"),
    )
    if current_status().phase == "healthy":
        return current_status()
    if settled:
        process.wait()
        fault = RuntimeUnavailable if current_status().is_absent else PipelineError
        raise fault(current_status().error or f"The stream did not start; see {output.name}.")
    raise PipelineError(
        f"The stream is not healthy after {UP_SECONDS:.0f} s (no checkpoint completes); see "
        f"`financial-pipeline stream status` and the logs in {state}."
    )


def down(state: Path) -> str:
    """Stop the stream with a savepoint, or clean up after a killed supervisor, and report it."""
    status = read_status(state)
    if not is_running(state):
        left = end_leftovers(state / "processes.json", str(state))
        if left:
            return f"The supervisor was gone; ended what it left: {', '.join(left)}."
        return "No stream is running."
    assert status, "a supervisor writes its status before it starts anything"
    os.kill(status.pid, signal.SIGTERM)
    if not _wait(DOWN_SECONDS, lambda: not is_running(state)):
        raise PipelineError(
            f"The stream did not stop within {DOWN_SECONDS:.0f} s: end supervisor {status.pid} by "
            "hand and run `financial-pipeline stream down` again."
        )
    last = read_status(state)
    if last and last.phase == "failed":
        raise PipelineError(f"The stream ended with a fault: {last.error}")
    kept = last.savepoints if last else []
    return f"Stopped; {f'savepoint {kept[0]}' if kept else 'there was no job to save'}."


def reset(state: Path, others: Sequence[Path]) -> Path | None:
    """Move the state of a stream that is down, and other folders of its data root, aside.

    Returns the folder that contains them now, or None if there was nothing to move.
    """
    if is_running(state):
        raise PipelineError(
            "The stream is running: stop it with `financial-pipeline stream down` first."
        )
    end_leftovers(state / "processes.json", str(state))
    aside = state.parent / SET_ASIDE / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    present = [folder for folder in (state, *others) if folder.exists()]
    for folder in present:
        target = aside / folder.relative_to(state.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        move_folder(folder, target)
    return aside if present else None
