"""The configured Spark master, and whether Spark can start there."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from financial_pipeline.errors import PipelineError

MASTER_VARIABLE: Final = "SPARK_MASTER"
DEFAULT_MASTER: Final = "local[2]"
SUPPORTED_JAVA: Final = (17, 21)
LOOPBACK: Final = "127.0.0.1"
CONNECT_SECONDS: Final = 5.0
GREETING_SECONDS: Final = 20.0
DEFAULT_PORTS: Final = {"spark": 7077, "sc": 15002}


def master() -> str:
    """The configured master, checked for its form; raises PipelineError for an unknown one."""
    name = os.environ.get(MASTER_VARIABLE) or DEFAULT_MASTER
    if not re.fullmatch(r"local(\[(\d+|\*)(,\s*\d+)?\])?|(spark|sc)://[^\s/]+.*", name):
        raise PipelineError(
            f"{MASTER_VARIABLE}={name} is no Spark master; use local[N], spark://host:port or"
            " sc://host:port."
        )
    return name


def check_prerequisites(name: str) -> None:
    """Make sure that Spark can start before any work; raises PipelineError with advice."""
    if name.startswith(("spark://", "sc://")):
        _check_reachable(name)
    if not name.startswith("sc://"):
        _check_java()


def _check_reachable(name: str) -> None:
    address = urlsplit(name.split(",")[0].split(";")[0])
    host, port = address.hostname or LOOPBACK, address.port or DEFAULT_PORTS[address.scheme]
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
        if address.scheme == "sc":
            _greet(name)
    except OSError as fault:
        raise PipelineError(
            f"The Spark master {name} does not answer on {host}:{port} ({fault}); start it, or"
            f" unset {MASTER_VARIABLE} to run on this machine."
        ) from None


def _greet(name: str) -> None:
    """Wait for a Connect server's first words: Spark would retry any process that listens there for
    minutes.

    Raises TimeoutError where there are none.
    """
    # Imported here: a session on another master does without gRPC.
    import grpc  # type: ignore[import-untyped]
    from pyspark.sql.connect.client import DefaultChannelBuilder

    channel = DefaultChannelBuilder(name).toChannel()
    try:
        grpc.channel_ready_future(channel).result(timeout=GREETING_SECONDS)
    except grpc.FutureTimeoutError:
        raise TimeoutError(f"no Spark Connect server in {GREETING_SECONDS:.0f} seconds") from None
    finally:
        channel.close()


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")


def _check_java() -> None:
    executable = _java()
    if executable is None:
        place = "under JAVA_HOME" if os.environ.get("JAVA_HOME") else "on the PATH"
        raise PipelineError(
            f"Spark needs Java 17 or 21 and there is no java {place}; install one (for example"
            " `apt install openjdk-17-jre-headless`), or point JAVA_HOME at it."
        )
    shown = subprocess.run(
        [executable, "-version"], capture_output=True, text=True, timeout=60, check=False
    )
    major = _major_version(shown.stderr + shown.stdout)
    if major not in SUPPORTED_JAVA:
        raise PipelineError(
            f"Spark needs Java 17 or 21, and {executable} is"
            f" {f'Java {major}' if major else 'not a working Java'}; point JAVA_HOME at one."
        )


def _major_version(text: str) -> int | None:
    # Java 8 calls itself 1.8.
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None
