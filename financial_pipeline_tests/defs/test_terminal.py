"""A command on a terminal shows one live line, and Java's noise is in the log."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from financial_pipeline.defs import terminal
from financial_pipeline.defs.terminal import noise_to, running


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_job_its_number_and_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    with running("loans_job (staging)", 3, 11):
        pass
    assert "3 of 11  loans_job (staging)" in shown.getvalue()
    assert "0:00:00" in shown.getvalue()


def test_a_file_or_a_pipe_has_no_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    files = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", files[0])
    monkeypatch.setattr(sys, "stderr", files[1])
    with running("loans_job", 1, 2):
        pass
    assert [file.getvalue() for file in files] == ["", ""]


def test_a_log_gets_signs_of_life_of_a_long_step(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", file)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(terminal, "FIRST_SIGN_SECONDS", 0.01)
    with running("loans_job (staging)", 3, 11):
        deadline = time.monotonic() + 10
        while not file.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert file.getvalue() == "3 of 11  loans_job (staging): running, 0 s\n"


# During a run `sys.stdout` is a log, and while a step runs the descriptor is a file of Dagster's.
CAPTURED_STEP = """
import io, os, sys, time
from contextlib import redirect_stdout
from financial_pipeline.defs import terminal

terminal.FIRST_SIGN_SECONDS = 0.01
with redirect_stdout(io.StringIO()), terminal.running("loans_job", 3, 11):
    kept, log = os.dup(1), os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.write(1, b"text of the step\\n")
    time.sleep(0.5)
    os.dup2(kept, 1)
"""


def test_a_step_that_has_the_descriptor_does_not_take_the_signs_of_life(tmp_path: Path) -> None:
    log = tmp_path / "step.log"
    done = subprocess.run(
        [sys.executable, "-c", CAPTURED_STEP, str(log)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("3 of 11  loans_job: running")
    assert log.read_text("utf-8") == "text of the step\n"


def test_noise_of_this_process_and_of_its_children_is_in_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "new" / "runs.log"
    with noise_to(log):
        os.write(2, b"own noise\n")
        subprocess.run(["/bin/sh", "-c", "echo a child >&2"], check=True)
    os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"
    assert log.read_text("utf-8") == "own noise\na child\n"
