"""A command on a terminal shows one live line, and Java's noise is in the log."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from financial_pipeline.defs.terminal import noise_to, running


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_job_its_number_and_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with running("loans_job (staging)", 3, 11):
        pass
    assert "3 of 11  loans_job (staging)" in terminal.getvalue()
    assert "0:00:00" in terminal.getvalue()


def test_a_file_or_a_pipe_has_no_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with running("loans_job", 1, 2):
        pass
    assert file.getvalue() == ""


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
