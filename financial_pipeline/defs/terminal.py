"""The terminal of a running command: one live line, and no noise of Java."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

STDERR: Final = 2
# A log gets a line about a long step after this many seconds, and then at this interval.
FIRST_SIGN_SECONDS: Final = 4.0
SIGN_SECONDS: Final = 30.0


@contextmanager
def running(what: str, number: int = 0, of: int = 0) -> Iterator[None]:
    """Show `number of of`, what runs and the time so far.

    A terminal has one live line on standard error. Without one, standard output gets a line now and
    then while a step is long, so that standard error keeps to errors.
    """
    words = f"{number} of {of}  {what}" if of else what
    is_terminal = sys.stderr.isatty()
    show = _line if is_terminal else _signs
    # During a run `sys.stdout` is the log of the runs.
    stream = sys.stderr if is_terminal else sys.__stdout__ or sys.stdout
    with _reopen(stream) as file, show(words, file):
        yield


@contextmanager
def _reopen(stream: TextIO) -> Iterator[TextIO]:
    """Open a stream once more: Dagster has its descriptor while a step runs."""
    try:
        descriptor = os.dup(stream.fileno())
    except OSError:  # It is no file.
        yield stream
        return
    with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
        yield file


@contextmanager
def _line(words: str, file: TextIO) -> Iterator[None]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    # The end of a long description is cut, so the time is before it.
    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    console = Console(file=file)
    # The output of a step belongs to the log that has its descriptors.
    progress = Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    with progress:
        progress.add_task(words, total=None)
        yield


@contextmanager
def _signs(words: str, file: TextIO) -> Iterator[None]:
    ended, began = threading.Event(), time.monotonic()

    def write() -> None:
        pause = FIRST_SIGN_SECONDS
        while not ended.wait(pause):
            print(f"{words}: running, {time.monotonic() - began:,.0f} s", file=file, flush=True)
            pause = SIGN_SECONDS

    thread = threading.Thread(target=write, name="signs of life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def noise_to(log: Path) -> Iterator[None]:
    """Redirect the standard error of this process and its new children to a log.

    A child that lives on keeps writing there.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(STDERR)
    try:
        with log.open("ab") as file:
            os.dup2(file.fileno(), STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
