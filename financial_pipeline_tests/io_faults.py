"""Each change of the disk fails once: error, full disk, short write, crash, power loss.

`points` counts the operations of a scenario; `broken` runs it with a fault in one of them. As a
program it runs one scenario and kills itself before that operation:
`python -m financial_pipeline_tests.io_faults publish 7 FOLDER`.
"""

import errno
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from financial_pipeline.files import DISK

Kind = Literal["error", "full", "short", "crash", "power", "kill", "count"]
KINDS: tuple[Kind, ...] = ("error", "full", "short", "crash", "power")
OPERATIONS = ("write", "sync", "rename", "link", "copy", "unlink", "remove")


class Crash(BaseException):
    """The end of the process: nothing that runs after it changes the disk."""


@dataclass
class Faults:
    """Counts operations, and fails the one with number `at`."""

    kind: Kind
    at: int = 0
    done: list[str] = field(default_factory=list)
    is_dead: bool = False
    # Files whose bytes are not on the disk yet; a power loss takes their second half.
    unsynced: set[Path] = field(default_factory=set)
    synced: set[Path] = field(default_factory=set)

    def step(self, name: str, action: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Do an operation, or fail it."""
        if self.is_dead:
            raise Crash
        self.done.append(name)
        if len(self.done) != self.at:
            self._track(name, arguments)
            return action(*arguments)
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "write" and self.kind in ("full", "short"):
            path, content = arguments
            action(path, content[: len(content) // 2])
        if self.kind in ("error", "full"):
            number = errno.ENOSPC if self.kind == "full" else errno.EIO
            error = sqlite3.OperationalError if name == "sqlite" else OSError
            raise error(number, os.strerror(number))
        self.is_dead = True
        for path in self.unsynced if self.kind == "power" else ():
            if path.is_file():
                os.truncate(path, path.stat().st_size // 2)
        raise Crash

    def _track(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in ("write", "copy"):
            self.unsynced.add(Path(arguments[1 if name == "copy" else 0]))
        elif name == "sync":
            self.unsynced.discard(arguments[0])
            self.synced.add(arguments[0])
        elif name == "rename" and arguments[0].is_file():
            self.unsynced.discard(arguments[0])
            if arguments[0] not in self.synced:
                self.unsynced.add(arguments[1])
        elif name == "rename":
            moved = {path for path in self.unsynced if arguments[0] in path.parents}
            self.unsynced -= moved
            self.unsynced |= {arguments[1] / path.relative_to(arguments[0]) for path in moved}


@contextmanager
def injected(faults: Faults) -> Iterator[Faults]:
    """Route the operations of `files.DISK` and the statements of SQLite through the faults."""

    class Connection(sqlite3.Connection):
        def execute(self, *arguments: Any) -> Any:
            return faults.step("sqlite", super().execute, arguments)

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return original(*arguments, factory=Connection, **options)

    original = sqlite3.connect
    for name in OPERATIONS:
        action = getattr(DISK, name)
        setattr(DISK, name, lambda *a, _n=name, _f=action: faults.step(_n, _f, a))
    sqlite3.connect = connect
    try:
        yield faults
    finally:
        sqlite3.connect = original
        for name in OPERATIONS:
            delattr(DISK, name)


def points(run: Callable[[Path], None], root: Path) -> list[str]:
    """Return the operations of a run that nothing disturbs, in order."""
    with injected(Faults("count")) as faults:
        run(root)
    return faults.done


def broken(run: Callable[[Path], None], root: Path, kind: Kind, at: int) -> BaseException | None:
    """Run with a fault in operation `at` (from 1); return what the caller saw."""
    with injected(Faults(kind, at)):
        try:
            run(root)
        except (Exception, Crash) as error:
            return error
    return None


if __name__ == "__main__":
    from financial_pipeline_tests.io_scenarios import SCENARIOS

    _, _name, _at, _root = sys.argv
    broken(SCENARIOS[_name].run, Path(_root), "kill", int(_at))
    sys.exit("The scenario has fewer operations.")
