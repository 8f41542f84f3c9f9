"""A real standalone master with workers, and a Connect server, from the installed pyspark.

Everything listens on loopback on ports that the system chooses, and ends with the test.
"""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import pyspark

LOOPBACK: Final = "127.0.0.1"
START_SECONDS: Final = 300.0
MASTER: Final = "org.apache.spark.deploy.master.Master"
WORKER: Final = "org.apache.spark.deploy.worker.Worker"
# Quick to start: no second compiler, one collector thread.
SHORT_LIVED: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SPARK_HOME: Final = Path(pyspark.__file__).parent


@dataclass(frozen=True)
class Server:
    """A Spark daemon and the file that holds what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self, pattern: str) -> str:
        """The first group of a pattern in the log, waiting until it is there."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(pattern, self.log.read_text("utf-8")):
                return found.group(1)
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} was never said:\n{self.log.read_text('utf-8')}")

    def kill(self) -> int:
        """SIGKILL the daemon and its executors; returns how many executors there were."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        # The script that became the daemon leaves one that has ended.
        children = [each for each in children if each.status() != psutil.STATUS_ZOMBIE]
        os.kill(self.process.pid, signal.SIGKILL)
        for child in children:
            child.kill()
        self.process.wait()
        return len(children)

    def stop(self) -> None:
        """Kill it if it still runs."""
        if self.process.poll() is None:
            self.kill()


@dataclass(frozen=True)
class Cluster:
    """The master's address and its workers."""

    master: str
    workers: tuple[Server, ...]


def environment(**variables: str) -> dict[str, str]:
    """The variables of a process that runs Spark on loopback for a minute or two."""
    return {**os.environ, "SPARK_LOCAL_IP": LOOPBACK, "JAVA_TOOL_OPTIONS": SHORT_LIVED, **variables}


def start(folder: Path, name: str, command: Sequence[str], memory: str = "256m") -> Server:
    """Start a script of Spark's `bin` with its output in `folder/name.log`."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(SPARK_HOME / "bin" / command[0]), *command[1:]],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(SPARK_HOME=str(SPARK_HOME), SPARK_DAEMON_MEMORY=memory),
            cwd=folder,
        )
    return Server(process, log)


@contextmanager
def standalone_cluster(folder: Path, memory: str = "640m") -> Iterator[Cluster]:
    """A master with two workers of one core and so much memory each; all three start at once."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    master = f"spark://{LOOPBACK}:{port}"
    bind = ["--host", LOOPBACK, "--webui-port", "0", "--port"]
    limits = ["--cores", "1", "--memory", memory, "--work-dir", str(folder / "work")]
    servers = [start(folder, "master", ["spark-class", MASTER, *bind, str(port)])]
    try:
        workers = tuple(
            start(folder, f"worker_{number}", ["spark-class", WORKER, *bind, "0", *limits, master])
            for number in (1, 2)
        )
        servers += workers
        for worker in workers:
            worker.said(r"Successfully registered with master (spark://\S+)")
        yield Cluster(master, workers)
    finally:
        for server in servers:
            server.stop()


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """The `sc://` address of a Spark Connect server that runs on two local threads."""
    command = [
        "spark-submit",
        "--class=org.apache.spark.sql.connect.service.SparkConnectServer",
        "--master=local[2]",
        f"--conf=spark.connect.grpc.binding.address={LOOPBACK}",
        "--conf=spark.connect.grpc.binding.port=0",
        f"--conf=spark.driver.host={LOOPBACK}",
        "--conf=spark.ui.port=0",
        "spark-internal",
    ]
    server = start(folder, "connect", command, memory="1g")
    try:
        port = server.said(r"Spark Connect server started at: \S*?:(\d+)")
        yield f"sc://{LOOPBACK}:{port}"
    finally:
        server.stop()
