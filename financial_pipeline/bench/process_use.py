"""What a process uses: processor seconds, and the peak of memory with all that it starts."""

import sys
import threading
from contextlib import suppress
from resource import struct_rusage
from types import TracebackType
from typing import Final, Self

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


class PeakSampler:
    """Adds up the resident memory of a process tree, a few times a second, while it is entered."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak_bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def peak_mb(self, usage: struct_rusage) -> float:
        """The largest sum seen, or what the process itself says where none was.

        What it says starts with the memory of the process that forked it.
        """
        return (self._peak_bytes or usage.ru_maxrss * PEAK_UNIT_BYTES) / MEGABYTE

    def _watch(self) -> None:
        while not self._done.wait(INTERVAL_SECONDS):
            self._peak_bytes = max(self._peak_bytes, _tree_bytes(self._pid))


def _tree_bytes(root: int) -> int:
    """Resident bytes of a process and its descendants, as far as they still run."""
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(root)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += each.memory_info().rss
    return total
