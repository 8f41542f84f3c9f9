"""Simulated histories of the stream, each from a seed: producer, job, broker and landings.

Messages are repeated, reordered, late, broken and ahead of time; clocks jump; topics lose their
oldest messages or are made again; operations on the disk fail, processes die in them, or pause
while others work. After each step the ledger and the tables are compared with a model of the log.
`python -m financial_pipeline_tests.streaming.histories 0 10000` replays these seeds, in two
processes, and `histories 17 18` the one.
"""

import fcntl
import os
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest import mock

import duckdb

from financial_pipeline.errors import PipelineError
from financial_pipeline.publishing import versions
from financial_pipeline.publishing.duckdb_session import in_memory
from financial_pipeline.streaming import landing as landing_module
from financial_pipeline.streaming import ledger, recompute
from financial_pipeline.streaming.ledger import RangeTaken
from financial_pipeline_tests.io_faults import Crash, Faults, injected
from financial_pipeline_tests.streaming.history_rest import come_to_rest
from financial_pipeline_tests.streaming.history_steps import Steps

PROCESSES = 2
# Files that are never written to a disk, where the system has such a folder.
MEMORY = Path("/dev/shm")
# A range lands in parts of so many messages.
LARGEST_RANGE = 7
FAULTS = ("error", "full", "short", "crash", "crash", "power", "pause", "pause", "pause", "pause")
# What may happen, and how often.
WEIGHTS = {
    "produce": 10,
    "run_job": 6,
    "land": 7,
    "publish": 6,
    "land_waiting": 1,
    "compare": 1,
    "batch": 1,
    "restart": 1,
    "skip_lost": 1,
    "delete_oldest": 3,
    "make_again": 0.4,
    "other_cluster": 0.4,
    "turn_clock": 1,
}
# The steps in which something can fail, and about so many operations of each.
OPERATIONS = {
    "run_job": 12,
    "land": 24,
    "publish": 36,
    "land_waiting": 80,
    "compare": 30,
    "batch": 26,
    "skip_lost": 12,
    "other_cluster": 6,
}
# What may happen while a process pauses, and how often.
MEANWHILE = {
    "produce": 1,
    "run_job": 1,
    "land": 3,
    "publish": 2,
    "catch_up": 4,
    "compare": 1,
    "delete_oldest": 1,
    "make_again": 1,
}
FAILURES = (Crash, OSError, sqlite3.Error)


@dataclass
class Pause(Faults):
    """A process that stops before operation `at`, does so once, and continues."""

    meanwhile: Callable[[], None] = lambda: None
    is_paused: bool = False

    def step(self, name: str, action: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        if self.is_paused:
            return action(*arguments)
        self.done.append(name)
        if len(self.done) == self.at:
            self.is_paused = True
            self.meanwhile()
            self.is_paused = False
        return action(*arguments)


class History:
    """One history; `trace` lists its steps for whoever has to find out why it failed."""

    def __init__(self, root: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.steps = Steps(root, self.rng)
        self.trace: list[str] = []

    def run(self) -> None:
        """Let things happen, then bring everything to rest and compare it with the model."""
        count, names = self.rng.randint(6, 14), list(WEIGHTS)
        for name in self.rng.choices(names, list(WEIGHTS.values()), k=count):
            is_disturbed = name in OPERATIONS and self.rng.random() < 0.7
            self._disturbed(name) if is_disturbed else self._attempt(name)
            self.steps.check()
        self.trace.append("rest")
        come_to_rest(self.steps)

    def _attempt(self, name: str) -> None:
        """Do a step to its end; one sentence is all that may come of it instead."""
        self.trace.append(name)
        try:
            getattr(self.steps, name)()
        except RangeTaken:
            pass
        except PipelineError as refusal:
            self.steps.judge_refusal(refusal)

    def _disturbed(self, name: str) -> None:
        """Do a step in which one operation fails, or before which its process dies or pauses."""
        kind, at = self.rng.choice(FAULTS), self.rng.randint(1, OPERATIONS[name])
        faults: Faults = Faults(kind, at) if kind != "pause" else Pause("count", at)
        if isinstance(faults, Pause):
            faults.meanwhile = self._meanwhile
        self.steps.log.step = faults.step
        self.trace.append(f"{kind} {at} in:")
        try:
            with injected(faults):
                self._attempt(name)
        except FAILURES as failure:
            self.trace.append(f"failed: {failure!r}")
            if faults.is_dead:
                self.steps.restart()
        self.steps.log.step = Faults("count").step

    def _meanwhile(self) -> None:
        """Let another process do something; it dies if it has to wait for the one that pauses."""
        names = self.rng.choices([*MEANWHILE], [*MEANWHILE.values()], k=self.rng.randint(1, 3))
        process = self.steps.landing, self.steps.process_id
        for name in names:
            self.steps.restart()
            try:
                self._attempt(name)
            except FAILURES as failure:
                self.trace.append(f"waits: {failure!r}")
        self.steps.landing, self.steps.process_id = process
        self.trace.append("continued")


@cache
def shared_connection() -> duckdb.DuckDBPyConnection:
    """Return the one connection of this process in which batches compute."""
    return in_memory()


def _unsynced(
    connect: Callable[..., sqlite3.Connection], *arguments: Any, **options: Any
) -> sqlite3.Connection:
    """Connect to a database of which only processes die, never the machine."""
    connection = connect(*arguments, **options)
    sqlite3.Connection.execute(connection, "pragma synchronous = off")
    return connection


@contextmanager
def simulated_world(history: History) -> Iterator[None]:
    """Give each process its number and the skewed clock; no lock and no disk is waited for."""
    steps, flock, connection = history.steps, fcntl.flock, shared_connection()

    def lock(handle: Any, how: int) -> None:
        flock(handle, how | fcntl.LOCK_NB)

    with ExitStack() as stack:
        for target, name, value in (
            (os, "getpid", lambda: steps.process_id),
            (os, "fsync", lambda _: None),
            (sqlite3, "connect", partial(_unsynced, sqlite3.connect)),
            (fcntl, "flock", lambda *given: steps.log.step("lock", lock, given)),
            (versions, "time", SimpleNamespace(time=lambda: time.time() + steps.clock_skew)),
            (ledger, "BUSY_SECONDS", 0.0),
            (recompute, "in_memory", lambda: nullcontext(connection)),
            (landing_module, "LARGEST_RANGE", LARGEST_RANGE),
        ):
            stack.enter_context(mock.patch.object(target, name, value))
        yield


def replay(seed: int) -> Counter[str]:
    """Replay a history; AssertionError has its seed and its steps. Returns how often what was."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as root:
        history = History(Path(root), seed)
        try:
            with simulated_world(history):
                history.run()
        except BaseException as failure:
            steps = "; ".join(history.trace)
            raise AssertionError(f"seed {seed}: {failure!r} after {steps}") from failure
    return Counter(step.split()[0] for step in history.trace)


def failure_of(seed: int) -> str | None:
    """Return what went wrong in a history, or None."""
    try:
        replay(seed)
    except AssertionError as failure:
        return str(failure)
    return None


def main(first: int, end: int) -> int:
    """Replay seeds and print what failed, and the counts."""
    started = time.perf_counter()
    # Two processes with two threads each would wait for each other.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        failures = [*filter(None, pool.map(failure_of, range(first, end), chunksize=20))]
    for failure in failures:
        print(failure)
    seconds = time.perf_counter() - started
    print(f"{end - first} histories, {len(failures)} failures, {seconds:.0f} s")
    return min(len(failures), 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
