"""What a command shows on a terminal while it runs: one live line, and no noise of Java."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STDERR: Final = 2


@contextmanager
def running(what: str, number: int = 0, of: int = 0) -> Iterator[None]:
    """Show `number of of`, what runs and the time so far, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        place = f"{number} of {of}  " if of else ""
        progress.add_task(f"{place}{what}", total=None)
        yield


@contextmanager
def noise_to(log: Path) -> Iterator[None]:
    """Write what this process and its new children write to standard error into a log instead.

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
