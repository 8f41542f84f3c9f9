"""Processor seconds of a process, and its peak memory with all processes that it starts."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from resource import struct_rusage
from typing import Final

import psutil

INTERVAL_SECONDS: Final = 0.2
KILOBYTE: Final = 1_024
# getrusage counts in kilobytes on Linux and in bytes on macOS.
PEAK_UNIT_BYTES: Final = 1 if sys.platform == "darwin" else KILOBYTE
MEGABYTE: Final = 1_000_000


def processor_seconds(pid: int) -> float | None:
    """Return the seconds that a process has used; None if it is gone."""
    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return None
    return float(used.user + used.system)


@contextmanager
def repeating(look: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call `look` at this interval (seconds) in a thread, for the length of the block."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(seconds):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass
class Peak:
    """The largest sum of the resident memory of a process tree, so far."""

    sampled_bytes: int = 0

    def mb(self, usage: struct_rusage) -> float:
        """The largest sum seen, or what the process itself says where none was.

        What it says starts with the memory of the process that forked it.
        """
        return (self.sampled_bytes or usage.ru_maxrss * PEAK_UNIT_BYTES) / MEGABYTE


@contextmanager
def sample_peak(pid: int) -> Iterator[Peak]:
    """Add up the memory of a process and its descendants, a few times a second, in the block."""
    peak = Peak()

    def look() -> None:
        peak.sampled_bytes = max(peak.sampled_bytes, _tree_bytes(pid))

    with repeating(look, INTERVAL_SECONDS):
        yield peak


def _tree_bytes(root: int) -> int:
    """Resident bytes of a process and its descendants, as far as they still run."""
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(root)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += each.memory_info().rss
    return total
