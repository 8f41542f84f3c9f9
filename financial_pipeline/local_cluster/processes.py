"""Processes of the runtime: started, known again after their parent died, ended for certain."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import read_record, replace_json
from financial_pipeline.local_cluster.java_text import environment

# A broker closes its logs within this time after SIGTERM.
GRACE_SECONDS = 20.0
POLL_SECONDS = 0.1
BY_HAND = "end the Java processes whose command line names that folder, and delete the file"


@dataclass
class ManagedProcess:
    """One process: how to start it, and the running one.

    Its command line holds the state folder, by which it is known again.
    """

    name: str
    command: list[str]
    output: Path
    restarts: int = 0
    paused: bool = False
    started_at: float = 0.0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        """Process id while it was started and not ended by us."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; what it prints goes to its output file."""
        self.started_at = time.monotonic()
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment(),
            )
        _be_as_nice(self._process.pid)

    def kill(self) -> None:
        """End it the hard way, as a failing machine would."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, then end it."""
        if self._process and self.is_running:
            self._process.terminate()
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def last_words(self) -> str:
        """The last lines it printed, for an error."""
        lines = self.output.read_text("utf-8", errors="replace").strip().splitlines()
        return " | ".join(lines[-3:])


def _be_as_nice(pid: int) -> None:
    """Give the session of a child the niceness of this process.

    Linux shares the processor between sessions first and heeds niceness only within each of them.
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(os.nice(0)))


def write_record(file: Path, processes: list[ManagedProcess]) -> None:
    """Write down who runs, so that a later start can clean up after a killed supervisor."""
    replace_json(file, {each.name: each.pid for each in processes if each.pid})


def command_line(pid: int) -> str:
    """Command line of a living process, empty where there is none."""
    with contextlib.suppress(psutil.Error):
        return " ".join(psutil.Process(pid).cmdline())
    return ""


def end_leftovers(record: Path, mark: str) -> list[str]:
    """End the recorded processes that still live; returns their names.

    A process counts only while its command line holds `mark`: process ids are used again.
    """
    if not record.exists():
        return []
    recorded: dict[str, Any] = read_record(record, BY_HAND)
    left = {name: pid for name, pid in recorded.items() if mark in command_line(pid)}
    for pid in left.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + GRACE_SECONDS
    for name, pid in left.items():
        while mark in command_line(pid):
            if time.monotonic() > deadline:
                raise PipelineError(f"{name} (process {pid}) does not end; end it by hand.")
            time.sleep(POLL_SECONDS)
    record.unlink()
    return sorted(left)
