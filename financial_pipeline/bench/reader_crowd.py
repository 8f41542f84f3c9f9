"""Readers who click through all pages at once, and what each of them saw."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from financial_pipeline.bench.dashboard_client import DashboardReader, Run
from financial_pipeline.dashboard.pages import PAGES

# How every part of a page that read the manifest names the version it shows.
VERSION: Final = re.compile(r"version (\d{8})\b")
# What a page says of a table that it cannot read.
DAMAGED: Final = "missing or damaged"
SAMPLE_SECONDS: Final = 0.05
LOCKS: Final = Path("/proc/locks")


@dataclass
class Seen:
    """What the readers saw, all together."""

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
    # Samples in which somebody waited for a lock, and in which the dashboard's server held one.
    waits: int = 0
    held_by_server: int = 0


@contextmanager
def crowd(
    address: str, readers: int, *, keep_runs: bool = False, query: str = ""
) -> Iterator[Seen]:
    """So many readers on all pages, over and over, for the length of the block."""
    seen, lock, stop = Seen(), threading.Lock(), threading.Event()

    def read(first: int) -> None:
        names = [*PAGES][first:] + [*PAGES][:first]
        try:
            reader = DashboardReader(address)
            while not stop.is_set():
                for page in names:
                    run = reader.open(page, query)
                    with lock:
                        _note(seen, page, run)
                        if keep_runs:
                            seen.runs.append((page, run))
                    if stop.is_set():
                        break
            reader.close()
        except Exception as error:
            with lock:
                seen.errors.append(f"{type(error).__name__}: {error}")

    threads = [
        threading.Thread(target=read, args=(number % len(PAGES),)) for number in range(readers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


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
def watched_locks(data_root: Path, server: int) -> Iterator[LockWatch]:
    """Look at the locks on files below a data root, twenty times a second."""
    watch, stop = LockWatch(), threading.Event()

    def look() -> None:
        while watch.is_known and not stop.wait(SAMPLE_SECONDS):
            ours = {str(path.stat().st_ino) for path in data_root.glob(".*.lock")}
            lines = [line.split() for line in LOCKS.read_text("utf-8").splitlines()]
            found = [line for line in lines if line[-3].rsplit(":", 1)[-1] in ours]
            watch.samples += 1
            watch.waits += any("->" in line for line in found)
            watch.held_by_server += any(str(server) in line for line in found)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()
