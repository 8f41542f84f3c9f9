"""Runs tests again and again, in copies of one process that has imported what takes long.

`python -m financial_pipeline_tests.warm_tests SECONDS MODULES OPTIONS...` answers each line of the
pipe `requests` with the exit code of the tests, in the pipe `answers`: `sh ask.sh` waits for it.
"""

import importlib
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

# Seconds of waiting per second of processor time: other work may run.
PATIENCE: Final = 20
ASK: Final = "echo run > requests && read code < answers && exit $code\n"


def prepare(folder: Path) -> None:
    """Make the pipes, and the script that asks for one run."""
    for name in ("requests", "answers"):
        os.mkfifo(folder / name)
    (folder / "ask.sh").write_text(ASK)


def run(options: Sequence[str], seconds: int) -> int:
    """Return the exit code of the tests, or the number of the signal that ended them."""
    child = os.fork()
    if not child:
        # A mutant may never end, or wait for ever.
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        signal.alarm(PATIENCE * seconds)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.dup2(null, sys.stderr.fileno())
        os._exit(int(pytest.main([*options])))
    return abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def main(seconds: int, modules: str, options: Sequence[str]) -> None:
    """Answer until this process is ended."""
    # As in `conftest.py`, which is left out.
    os.fsync = lambda _: None
    for name in modules.split(","):
        importlib.import_module(name)
    while True:
        Path("requests").read_text()
        Path("answers").write_text(f"{run(options, seconds)}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
