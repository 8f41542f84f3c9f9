"""dbt imported and parsed once per command: each dbt call of the command is a fork of that process.

A dbt process spends about 4 of its 6 seconds on imports and parsing. Only the forks open the
warehouse file, so nothing holds its lock between two calls. Where the warm process is missing or
gone, the executable that stands for it starts dbt in the ordinary way.

Only the standard library is imported here: the executable runs this module at each call.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from financial_pipeline.files import locked

# Where the assets find the executable while a command keeps a warm process.
VARIABLE: Final = "FINANCIAL_PIPELINE_DBT_EXECUTABLE"
PARSE_LOCK: Final = ".parse.lock"
CALL: Final = """#!{python} -S
import sys
sys.path.insert(0, {root!r})
from financial_pipeline.defs.warehouse.warm_dbt import call
sys.exit(call({address!r}, sys.argv[1:]))
"""
STARTED, FAILED = 0, 1
BYTES: Final = 1 << 16


@contextmanager
def warm_dbt(project: Path, target: Path) -> Iterator[None]:
    """Keep a warm dbt for the block; `VARIABLE` names its executable meanwhile.

    `project` is the dbt project (profiles included), `target` the folder of its parse results. The
    environment of this moment is what the project is parsed with.
    """
    with tempfile.TemporaryDirectory(prefix="dbt-") as folder:
        executable = Path(folder) / "dbt"
        address, root = str(Path(folder) / "socket"), str(Path(__file__).resolve().parents[3])
        executable.write_text(CALL.format(python=sys.executable, root=root, address=address))
        executable.chmod(0o700)
        server = _start(address, root, project, target)
        os.environ[VARIABLE] = str(executable)
        try:
            yield
        finally:
            os.environ.pop(VARIABLE, None)
            assert server.stdin is not None
            server.stdin.close()
            server.wait()


def _start(address: str, root: str, project: Path, target: Path) -> subprocess.Popen[bytes]:
    """The warm process; it ends when its standard input does: with the block, or with this one."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        # Calls that come while dbt is still being imported wait in the queue.
        listener.listen()
        number = listener.fileno()
        return subprocess.Popen(
            [sys.executable, "-m", __spec__.name, str(number), str(project), str(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[number],
            cwd=root,
        )


def call(address: str, arguments: Sequence[str]) -> int:
    """Run one dbt call in a fork of the warm process, on this process's outputs; its exit code."""
    request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    try:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        socket.send_fds(connection, [b"0"], [1, 2])
        connection.sendall(json.dumps(request).encode())
        connection.shutdown(socket.SHUT_WR)
        answers = connection.makefile()
        process = int(answers.readline())
    except (OSError, ValueError):
        os.execv(sys.executable, [sys.executable, "-m", "dbt.cli.main", *arguments])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: os.kill(process, received))
    return int(answers.readline() or FAILED)


def _serve(listening: str, project: str, target: str) -> None:
    listener = socket.socket(fileno=int(listening))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    manifest = _parsed(project, Path(target))
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        with connection:
            _answer(connection, manifest)


def _parsed(project: str, target: Path) -> Any:
    from dbt.cli.main import dbtRunner

    place = ["--project-dir", project, "--profiles-dir", project]
    with locked(target / PARSE_LOCK):
        result = dbtRunner().invoke(["--quiet", "parse", *place])
    # A project that does not parse is told by whoever parses it next, with what is wrong.
    return result.result if result.success else sys.exit(FAILED)


def _answer(connection: socket.socket, manifest: Any) -> None:
    _, outputs, _, _ = socket.recv_fds(connection, 1, 2)
    request = json.loads(b"".join(iter(lambda: connection.recv(BYTES), b"")))
    process = os.fork()
    if process == 0:
        _run(request, outputs, manifest)
    for output in outputs:
        os.close(output)
    connection.sendall(f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status) & 0xFF}\n".encode())


def _run(request: dict[str, Any], outputs: Sequence[int], manifest: Any) -> NoReturn:
    """The fork: become the caller, run dbt, and end without the server's own clean-up."""
    code = FAILED
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, output in enumerate(outputs, start=1):
            os.dup2(output, number)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        from dbt.cli.main import dbtRunner

        result = dbtRunner(manifest=manifest).invoke(request["arguments"])
        if result.exception:
            print(result.exception, file=sys.stderr)
        code = STARTED if result.success else FAILED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
