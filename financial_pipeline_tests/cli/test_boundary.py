"""Each fault of a command is one line; one that nobody expected leaves a report, no secret."""

import errno
import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import click
import pytest
from dagster import DagsterExecutionInterruptedError
from hypothesis import given, settings
from hypothesis import strategies as st

from financial_pipeline.cli import boundary
from financial_pipeline.dashboard import launch
from financial_pipeline.errors import PipelineError
from financial_pipeline_tests.command import run_command

SECRET = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("FINANCIAL_PIPELINE_KAFKA_PASSWORD", SECRET)
    return tmp_path / "root"


def _raising(error: BaseException) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command


def test_an_unknown_fault_is_one_line_and_a_report(
    data_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boundary.run(_raising(KeyError(f"no\n{SECRET}"))) == 1
    (report,) = (data_root / "reports").iterdir()
    assert capsys.readouterr().err == (
        "Error: The program has a fault (KeyError: 'no\\n***'); readers keep the last"
        f" published version. Please report it with the file {report}, which has no secrets.\n"
    )
    text = report.read_text("utf-8")
    assert "Traceback (most recent call last)" in text
    assert "polars: " in text
    assert "kafka_password = **********" in text
    assert SECRET not in text
    assert report.stat().st_mode & 0o777 == 0o600


def _caused_by(cause: BaseException) -> BaseException:
    error = RuntimeError("wrapped")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PipelineError("Do this."), "Do this."),
        (_caused_by(PipelineError("Do this.")), "Do this."),
        (OSError(errno.ENOSPC, "No space", "/x/y"), "The disk of /x/y is full; free space"),
        (_caused_by(OSError("disk I/O error")), "The disk of the data root is full"),
        (PermissionError(errno.EACCES, "no", "/x/y"), "/x/y cannot be read or written"),
        (RuntimeError("IO Error: x is not a valid DuckDB database file!"), "The warehouse /"),
        (_caused_by(ValueError("(sqlite3.DatabaseError) file is not a database")), "The history"),
        (PipelineError("First.\nSecond."), "First. Second. (in full: "),
    ],
)
def test_a_known_fault_is_its_sentence(
    error: BaseException, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boundary.run(_raising(error)) == 1
    text = capsys.readouterr().err
    assert text.startswith(f"Error: {line}")
    assert text.count("\n") == 1


def test_an_interrupt_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert boundary.run(_raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "Stopped.\n"


class _ClosedPipe(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_ctrl_c_within_a_step_of_dagster_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert boundary.run(_raising(DagsterExecutionInterruptedError())) == 130
    assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.parametrize(
    ("error", "code", "reports"), [(KeyboardInterrupt(), 130, 0), (KeyError("no"), 1, 1)]
)
def test_nobody_reads_standard_error(
    data_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    reports: int,
) -> None:
    command = click.Command("command", callback=_raising(error))
    monkeypatch.setattr("sys.stderr", _ClosedPipe())
    assert boundary.run(lambda: command(args=[])) == code
    assert len(list((data_root / "reports").glob("*"))) == reports


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=2_000), st.sampled_from([ValueError, RuntimeError, OSError, BaseException]))
def test_every_text_of_a_fault_is_one_line(text: str, kind: type[BaseException]) -> None:
    with TemporaryDirectory() as folder, patch("tempfile.tempdir", folder):
        line = boundary.sentence(kind(text))
    assert len(line.splitlines()) == 1
    assert len(line) < 1_500


def test_a_report_goes_to_the_temporary_folder_if_the_data_root_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FINANCIAL_PIPELINE_DATA_ROOT", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert boundary.report(ValueError("x")).parent == tmp_path


def test_open_secrets_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("#FRED_API_KEY=\nFINANCIAL_PIPELINE_LOANS=5\n")
    os.chmod(tmp_path / ".env", 0o644)
    boundary.run(lambda: None)
    assert capsys.readouterr().err == ""
    (tmp_path / ".env").write_text("FRED_API_KEY=abc\n")
    boundary.run(lambda: None)
    assert capsys.readouterr().err == (
        "Warning: other users can read the secrets in .env: chmod 600 .env\n"
    )
    os.chmod(tmp_path / ".env", 0o600)
    boundary.run(lambda: None)
    assert capsys.readouterr().err == ""


# Arguments, variables, and what the line says.
SURFACE = (
    (("figures",), {"LOANS": "abc"}, "FINANCIAL_PIPELINE_LOANS: Input should be a valid integer"),
    (("figures",), {"SOURCE": "file"}, "FINANCIAL_PIPELINE_SOURCE: Input should be 'simulated'"),
    (("figures",), {"FIRST_SESSION": "x"}, "FINANCIAL_PIPELINE_FIRST_SESSION: Input should be"),
    (("figures",), {"KAFKA_PORT": "99999"}, "FINANCIAL_PIPELINE_KAFKA_PORT: Input should be less"),
    (("dashboard", "--port", "99999"), {}, "99999 is not in the range 1024<=x<=65535"),
    (("dev", "--port", "80"), {}, "80 is not in the range"),
    (("demo", "--data-root", "/dev/null/x"), {}, "is no folder: /dev/null is a file"),
    (("demo", "--data-root", "a*b"), {}, "which SQL reads as a pattern"),
    (("demo", "--source", "files", "--landing", "/nowhere"), {}, "/nowhere does not exist"),
    (("sql", "select"), {}, "Nothing is published under"),
    (("demo",), {"SPARK": ""}, "Java"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "variables", "line"), SURFACE)
def test_the_surface_never_shows_a_traceback(
    data_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    line: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"FINANCIAL_PIPELINE_{name}", value)
    if line == "Java":
        monkeypatch.setenv("JAVA_HOME", "/nowhere")
    done = run_command(data_root, *arguments)
    assert done.exit_code in (1, 2)
    assert line in done.errors
    assert "Traceback" not in done.output + done.errors


def test_a_port_in_use_is_refused_before_a_server_starts() -> None:
    with socket.socket() as taken:
        taken.bind((launch.LOOPBACK, 0))
        taken.listen()
        number = int(taken.getsockname()[1])
        with pytest.raises(PipelineError, match=rf"Port {number} is in use; .* with --port\.$"):
            launch.check_ports(port=number)
    launch.check_ports(port=number)
    with pytest.raises(PipelineError, match=r"--dashboard-port\.$"):
        launch.check_ports(port=number, dashboard_port=number)


LEAVING = """
import atexit, time
from concurrent.futures import ThreadPoolExecutor
from financial_pipeline.cli.main import _leave
atexit.register(print, "the last function")
print("a line")
ThreadPoolExecutor(1).submit(lambda: (time.sleep(0.2), print("from a thread")))
_leave({status})
"""
OUTPUT = "a line\nfrom a thread\nthe last function\n"


@pytest.mark.parametrize(("status", "code"), [("0", 0), ("None", 0), ("3", 3), ("'a fault'", 1)])
def test_process_ends_with_its_status_and_all_of_its_output(status: str, code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LEAVING.format(status=status)], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (code, OUTPUT)
