"""The commands of the compose file run bare on loopback, each as its container does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from financial_pipeline_tests.conftest import PROJECT_ROOT
from financial_pipeline_tests.test_docker import FOLDER, SERVICES

SERVERS = ("code", "webserver", "daemon", "dashboard")
WAIT_SECONDS = 180.0
MARK = "SERVICE_OF_THIS_TEST"


def _arguments(words: list[str], ports: dict[str, str]) -> list[str]:
    """The command of a container with the ports of this test, on loopback."""
    own = [word.replace("/opt/project", str(PROJECT_ROOT)) for word in words]
    named = [ports.get(word, word.replace("0.0.0.0", "127.0.0.1")) for word in own]
    for known, port in ports.items():
        named = [word.replace(f"127.0.0.1:{known}", f"127.0.0.1:{port}") for word in named]
    return named


def environment_of(folder: Path, database: str, ports: dict[str, str]) -> dict[str, str]:
    """The variables of a service, for servers on loopback."""
    return os.environ | {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "POSTGRES_PASSWORD_FILE": str(folder / "password"),
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": database.rpartition(":")[2].partition("/")[0],
        "CODE_HOST": "127.0.0.1",
        "CODE_PORT": ports["4000"],
        "DAGSTER_HOME": str(folder / "dagster_home"),
        "FINANCIAL_PIPELINE_DATA_ROOT": str(folder),
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
    }


def end_container(mark: str) -> None:
    """End every process of a container at once, as its engine does."""
    for variables in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"{MARK}={mark}\0".encode() in variables.read_bytes():
                os.kill(int(variables.parent.name), signal.SIGKILL)


def is_healthy(name: str, environment: dict[str, str], ports: dict[str, str]) -> bool:
    """Whether the check of a service passes.

    It has the variables of its container, without those that the entry point adds.
    """
    check = _arguments(SERVICES[name]["healthcheck"]["test"][1:], ports)
    done = subprocess.run(
        check, cwd=PROJECT_ROOT, env=environment, capture_output=True, check=False
    )
    return done.returncode == 0


@contextmanager
def started(
    name: str, environment: dict[str, str], ports: dict[str, str], container: str = ""
) -> Iterator[None]:
    """Run a service as its container does, and wait until its own health check passes.

    `container` tells several of one service apart.
    """
    label = container or name
    command = _arguments(SERVICES[name]["command"], ports)
    if name == "dashboard":
        command += ["--port", ports["8501"]]
    entry = str(FOLDER / "entrypoint.sh")
    with (Path(environment["FINANCIAL_PIPELINE_DATA_ROOT"]) / f"{label}.log").open("ab") as log:
        # The mark is that of all processes of the container.
        own = environment | {MARK: f"{label} {environment['FINANCIAL_PIPELINE_DATA_ROOT']}"}
        process = subprocess.Popen(
            [entry, *command], cwd=PROJECT_ROOT, env=own, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while not is_healthy(name, environment, ports):
                assert process.poll() is None, Path(log.name).read_text("utf-8")[-2000:]
                assert time.monotonic() < deadline, f"{label} is not healthy"
                time.sleep(1)
            yield
        finally:
            end_container(own[MARK])
            process.wait(60)
