"""Readers of the dashboard during a full backfill: errors, mixed versions and waiting locks.

The simulated world is run three times on one data root of its own: once to fill it, once alone,
and once while readers click through all pages of a real server over the same folder. A reader is a
session of that server without a browser's drawing.
"""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from financial_pipeline.bench.dashboard_client import DashboardReader, Run, serve_dashboard
from financial_pipeline.bench.measuring import as_json_option, report, tell, work_folder
from financial_pipeline.bench.process_use import repeating
from financial_pipeline.bench.world import run_demo
from financial_pipeline.dashboard.pages import PAGES
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest

# The pattern of the version that each part of a page shows.
VERSION: Final = re.compile(r"version (\d{8})\b")
# The message of a page about a table that it cannot read.
DAMAGED: Final = "missing or damaged"
SAMPLE_SECONDS: Final = 0.05
LOCKS: Final = Path("/proc/locks")
READERS: Final = 20
LOANS: Final = 5_000
SHOWN_ERRORS: Final = 5


@dataclass
class Seen:
    """The observations of all readers."""

    pages: int = 0
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    # Pages that named more than one version.
    mixed: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    runs: list[tuple[str, Run]] = field(default_factory=list)


@dataclass
class LockWatch:
    """Samples of the locks on files of a data root; `is_known` is false if the system hides."""

    is_known: bool = LOCKS.exists()
    samples: int = 0
    # Samples with a process waiting for a lock, and samples with a lock held by the dashboard's
    # server.
    waits: int = 0
    held_by_server: int = 0


@contextmanager
def crowd(
    address: str, readers: int, *, keep_runs: bool = False, query: str = ""
) -> Iterator[Seen]:
    """Run this many readers on all pages, in a loop, for the length of the block."""
    seen, lock, stop = Seen(), threading.Lock(), threading.Event()

    def read(first: int) -> None:
        with closing(DashboardReader(address)) as reader:
            for page in cycle([*PAGES][first:] + [*PAGES][:first]):
                if stop.is_set():
                    return
                run = reader.open(page, query)
                with lock:
                    _note(seen, page, run)
                    if keep_runs:
                        seen.runs.append((page, run))

    with ThreadPoolExecutor(readers) as pool:
        ends = [pool.submit(read, number % len(PAGES)) for number in range(readers)]
        try:
            yield seen
        finally:
            stop.set()
    faults = filter(None, (end.exception() for end in ends))
    seen.errors += [f"{type(fault).__name__}: {fault}" for fault in faults]


def _note(seen: Seen, page: str, run: Run) -> None:
    seen.pages += 1
    seen.seconds.append(run.seconds)
    unread = [text for text in run.texts if DAMAGED in text]
    if run.exceptions or unread or not run.succeeded:
        seen.errors.append(f"{page}: {run.exceptions or unread or 'did not run to its end'}")
    versions = set(VERSION.findall("\n".join(run.texts)))
    seen.versions |= versions
    if len(versions) > 1:
        seen.mixed.append(f"{page}: {sorted(versions)}")


@contextmanager
def watch_locks(data_root: Path, server: int) -> Iterator[LockWatch]:
    """Look at the locks on files below a data root, twenty times a second."""
    watch = LockWatch()

    def look() -> None:
        if not watch.is_known:
            return
        ours = {str(path.stat().st_ino) for path in data_root.glob(".*.lock")}
        lines = [line.split() for line in LOCKS.read_text("utf-8").splitlines()]
        found = [line for line in lines if line[-3].rsplit(":", 1)[-1] in ours]
        watch.samples += 1
        watch.waits += any("->" in line for line in found)
        watch.held_by_server += any(str(server) in line for line in found)

    with repeating(look, SAMPLE_SECONDS):
        yield watch


def backfill(root: Path, loans: int, analytics: bool) -> float:
    """Run the whole simulated world on a data root in a process of its own; its seconds."""
    options = ["--loans", str(loans), "--data-root", str(root)]
    options.append("--analytics" if analytics else "--no-analytics")
    return float(run_demo(root.parent / "backfill.log", *options)["seconds"])


def _with_readers(
    root: Path, readers: int, loans: int, analytics: bool
) -> tuple[float, Seen, LockWatch]:
    with ExitStack() as stack:
        address, pid = stack.enter_context(serve_dashboard(root, root.parent / "server.log"))
        watch = stack.enter_context(watch_locks(root, pid))
        seen = stack.enter_context(crowd(address, readers))
        seconds = backfill(root, loans, analytics)
    return seconds, seen, watch


def run(readers: int, loans: int, *, analytics: bool = True) -> dict[str, Any]:
    """Measure the backfill alone and with readers.

    `page_p95` is in seconds; `lock_waits` and `locks_of_the_server` are null if the system does not
    show its locks.
    """
    with work_folder() as root:
        tell(f"first run: {backfill(root, loans, analytics):.0f} s")
        before = read_manifest(Paths(root)).version
        alone = backfill(root, loans, analytics)
        tell(f"alone: {alone:.0f} s")
        seconds, seen, watch = _with_readers(root, readers, loans, analytics)
        if read_manifest(Paths(root)).version == before:
            raise PipelineError("The backfill published nothing while the readers read.")
    return {
        "name": "readers",
        "readers": readers,
        "loans": loans,
        "alone_seconds": round(alone, 1),
        "with_readers_seconds": round(seconds, 1),
        "ratio": round(seconds / alone, 3),
        "pages": seen.pages,
        "page_p95": round(float(np.percentile(seen.seconds, 95)), 3),
        "versions": len(seen.versions),
        "errors": len(seen.errors),
        "mixed_pages": len(seen.mixed),
        "lock_waits": watch.waits if watch.is_known else None,
        "locks_of_the_server": watch.held_by_server if watch.is_known else None,
        "lock_samples": watch.samples,
        "first_errors": seen.errors[:SHOWN_ERRORS],
    }


@click.command()
@click.option("--readers", "count", default=READERS, show_default=True, type=click.IntRange(1))
@click.option("--loans", default=LOANS, show_default=True, type=click.IntRange(1))
@click.option("--analytics/--no-analytics", default=True, help="Metrics and model too.")
@as_json_option
def readers(count: int, loans: int, analytics: bool, as_json: bool) -> None:
    """Click through all pages while the whole world is built again: errors, locks, wall time."""
    report(run(count, loans, analytics=analytics), as_json)
