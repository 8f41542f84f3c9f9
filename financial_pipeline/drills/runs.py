"""Drills on publications: a full disk, killed writers, two runs at once, writers and readers."""

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import polars as pl

from financial_pipeline.drills.damage import publish_numbers, read_numbers
from financial_pipeline.drills.drill import Drill
from financial_pipeline.errors import PipelineError
from financial_pipeline.files import DISK, locked
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import channel_tables, is_published
from financial_pipeline.publishing.publication import Publication, publish
from financial_pipeline.publishing.table_files import parquet_files
from financial_pipeline.publishing.writer import write_table
from financial_pipeline.schemas.contract import Table

# More operations than one publication of two tables has.
MOST_OPERATIONS: Final = 200
KILLS = 20
# The program that is killed.
WRITER = "financial_pipeline.drills.runs"
LONGEST_LIFE_SECONDS: Final = 0.4
WRITERS, READERS, ROUNDS = 16, 20, 3
DAYS: Final = Table[Any]("exports", "days", "", ("day",), partition="day")


class _FullDisk:
    """A disk on which writing fails from operation number `at` on, halfway through a file."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def write(self, path: Path, content: bytes) -> None:
        self.count += 1
        if self.count < self.at:
            path.write_bytes(content)
            return
        path.write_bytes(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def full_disk(folder: Path) -> str:
    """Fill the disk at each write of a publication, in turn."""
    paths, torn, wrong = Paths(folder), [], []
    publish_numbers(paths, "first", a=0, b=0)
    for at in range(1, MOST_OPERATIONS):
        before = read_numbers(paths)
        disk = _FullDisk(at)
        DISK.write = disk.write  # type: ignore[method-assign]
        try:
            publish_numbers(paths, f"full-{at}", a=at, b=at)
        except OSError:
            pass
        finally:
            del DISK.write
        if disk.count < at:
            break
        if read_numbers(paths) not in (before, {"a": at, "b": at}):
            torn.append(at)
        publish_numbers(paths, f"next-{at}", a=-at, b=-at)
        if read_numbers(paths) != {"a": -at, "b": -at}:
            wrong.append(at)
    return f"readers saw a part {len(torn)} times; the next run was wrong {len(wrong)} times"


def publish_for_ever(folder: Path) -> None:
    """Publish two equal numbers, one version after the other."""
    for number in range(1, sys.maxsize):
        publish_numbers(Paths(folder), f"{os.getpid()}-{number}", a=number, b=number)


def _kill_a_writer(folder: Path) -> None:
    command = [sys.executable, "-m", WRITER, str(folder)]
    with subprocess.Popen(command) as writer:
        before = folder / "published.json"
        known = before.stat().st_mtime_ns if before.exists() else 0
        while not before.exists() or before.stat().st_mtime_ns == known:
            time.sleep(0.01)
            if writer.poll() is not None:
                raise PipelineError("The writer ended by itself.")
        time.sleep(random.uniform(0, LONGEST_LIFE_SECONDS))
        writer.send_signal(signal.SIGKILL)


def killed_writers(folder: Path) -> str:
    """Kill a process that publishes all the time, at random moments."""
    paths, torn, last = Paths(folder), 0, 0
    for _ in range(KILLS):
        _kill_a_writer(folder)
        seen = read_numbers(paths)
        torn += seen["a"] is None or seen["a"] != seen["b"]
        publish_numbers(paths, f"after-{last}", a=-1, b=-1)
        last += read_numbers(paths) == {"a": -1, "b": -1}
    return f"readers saw a part {torn} times; the next run was right {last == KILLS}"


def two_runs_at_once(folder: Path) -> str:
    """Replace two days of one table in two runs that start from the same version."""
    paths = Paths(folder)
    for day in ("1", "2"):
        _write_day(paths, f"first-{day}", day, 0)
    runs = [_start_day(paths, name, day) for name, day in (("left", "1"), ("right", "2"))]
    ends = []
    for run in runs:
        try:
            publish(paths, [run], {"source": "files"})
            ends.append("published")
        except PipelineError:
            ends.append("refused")
    _write_day(paths, "again", "2", 1)
    files = parquet_files(paths, channel_tables(paths, "batch")[DAYS.key])
    rows = pl.read_parquet(files).sort("day").rows()
    return f"{', '.join(ends)}; run again: {rows}"


def _start_day(paths: Paths, run: str, day: str, value: int = 1) -> str:
    previous = channel_tables(paths, "batch").get(DAYS.key)
    frame = pl.DataFrame({"day": [day], "n": [value]})
    table = write_table(paths, DAYS, frame, previous=previous, replaced=[day])
    Publication(paths, run).register(table)
    return run


def _write_day(paths: Paths, run: str, day: str, value: int) -> None:
    publish(paths, [_start_day(paths, run, day, value)], {"source": "files"})


def writers_and_readers(folder: Path) -> str:
    """Publish in many threads while many others read."""
    paths, torn, done = Paths(folder), [], threading.Event()
    publish_numbers(paths, "first", a=0, b=0)

    def write(writer: int) -> None:
        for number in range(ROUNDS):
            value = writer * ROUNDS + number + 1
            # Commands take turns, so that each publication is built from the one before.
            with locked(folder / "command.lock"):
                publish_numbers(paths, f"{writer}-{number}", a=value, b=value)

    def read(_: int) -> int:
        count = 0
        while not (done.is_set() and count):
            seen = read_numbers(paths)
            torn.extend([seen] if seen["a"] is None or seen["a"] != seen["b"] else [])
            count += 1
        return count

    with ThreadPoolExecutor(WRITERS + READERS) as pool:
        readers = [pool.submit(read, reader) for reader in range(READERS)]
        writers = [pool.submit(write, writer) for writer in range(WRITERS)]
        try:
            for writer in writers:
                writer.result()
        finally:
            done.set()
        reads = [reader.result() for reader in readers]
    is_whole = is_published(paths) and not torn
    return f"{WRITERS} wrote, {len(reads)} read, all whole: {is_whole}"


DRILLS: Final = (
    Drill(
        full_disk,
        "each write of a publication, one after the other",
        "readers saw a part 0 times; the next run was wrong 0 times",
    ),
    Drill(
        killed_writers,
        f"a publishing process, {KILLS} times by SIGKILL",
        "readers saw a part 0 times; the next run was right True",
    ),
    Drill(
        two_runs_at_once,
        "two runs that replace days of one table",
        "published, refused; run again: [('1', 1), ('2', 1)]",
    ),
    Drill(
        writers_and_readers,
        f"{WRITERS} writers and {READERS} readers at once",
        f"{WRITERS} wrote, {READERS} read, all whole: True",
    ),
)


if __name__ == "__main__":
    publish_for_ever(Path(sys.argv[1]))
