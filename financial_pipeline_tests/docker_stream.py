"""The services of the compose file's stream, bare on loopback, as their containers start them.

Kafka starts from the jars of the lock with the properties that the variables of its container name,
as the entry point of its image does; Flink from the locked distribution.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from financial_pipeline.local_cluster.jars import jar_source, obtain
from financial_pipeline.local_cluster.java import find_java
from financial_pipeline.local_cluster.java_classes import JARS_LOCK
from financial_pipeline.local_cluster.ports import LOOPBACK
from financial_pipeline.settings import Settings
from financial_pipeline_tests.command import run_command
from financial_pipeline_tests.daemon.server import eventually
from financial_pipeline_tests.docker_services import MARK, end_container
from financial_pipeline_tests.flink.minute_bars import published_minutes, write_bars
from financial_pipeline_tests.test_docker import SERVICES

SECONDS = 300.0
FIRST_MINUTE = 10
PORTS = ("9092", "9093", "8081", "6122", "6123", "6124", "8501")
# Each start follows those that it depends on.
ORDER = ("kafka", "jobmanager", "taskmanager", "submit", "land", "dashboard")


def _kafka_properties() -> str:
    """The variables of the container as its image reads them: KAFKA_NODE_ID is node.id."""
    variables = SERVICES["kafka"]["environment"]
    names = {name.removeprefix("KAFKA_").lower().replace("_", "."): name for name in variables}
    own = {key: variables[name] for key, name in names.items() if key != "heap.opts"}
    return "".join(f"{key}={value}\n" for key, value in own.items())


def _answers(broker: str) -> bool:
    try:
        AdminClient({"bootstrap.servers": broker}).list_topics(timeout=5)
    except KafkaException:
        return False
    return True


@dataclass
class Stream:
    """The services, each in processes of its own as in a container."""

    root: Path
    places: dict[str, str]
    ports: dict[str, str]
    running: dict[str, tuple[str, "subprocess.Popen[bytes]"]] = field(default_factory=dict)
    minute: int = FIRST_MINUTE

    def here(self, text: str) -> str:
        """Replace the names, ports and folders of containers by those of this test."""
        known = [rf"\b{port}\b" for port in PORTS] + [re.escape(name) for name in self.places]
        names = self.places | self.ports
        return re.sub("|".join(known), lambda found: names[found[0]], text)

    def variables(self, name: str) -> dict[str, str]:
        own = {k: self.here(v) for k, v in SERVICES[name]["environment"].items() if "${" not in v}
        named = {key: value for key, value in own.items() if not key.startswith("POSTGRES")}
        return named | {
            "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "FINANCIAL_PIPELINE_DATA_ROOT": str(self.root),
            "STREAMLIT_SERVER_ADDRESS": LOOPBACK,
        }

    def command(self, name: str) -> list[str]:
        if name == "kafka":
            return [*self.kafka("kafka.Kafka"), str(self.properties)]
        service = SERVICES[name]
        words = [self.here(each) for each in (*service.get("entrypoint", []), *service["command"])]
        if name in ("jobmanager", "taskmanager"):
            for key, port in (("jobmanager.rpc.port", "6123"), ("rest.port", "8081")):
                words += ["-D", f"{key}={self.ports[port]}"]
        return [*words, "--port", self.ports["8501"]] if name == "dashboard" else words

    @property
    def properties(self) -> Path:
        return self.root / "server.properties"

    def kafka(self, main: str) -> list[str]:
        jars = obtain(JARS_LOCK, jar_source(Settings()))
        path = os.pathsep.join(map(str, jars.broker))
        return [find_java(), "-Xmx512m", "-cp", path, main]

    def format_kafka(self) -> None:
        self.properties.write_text(self.here(_kafka_properties()), "utf-8")
        command = [*self.kafka("kafka.tools.StorageTool"), "format", "--ignore-formatted"]
        command += ["-t", "5L6g3nShT-eMCtK--X86sw", "-c", str(self.properties)]
        subprocess.run(command, check=True, capture_output=True)

    def start(self, name: str) -> None:
        mark = f"{name} {self.root}"
        with self._log(name) as log:
            process = subprocess.Popen(
                self.command(name),
                cwd=self.root,
                env=os.environ | self.variables(name) | {MARK: mark},
                stdout=log,
                stderr=log,
            )
        self.running[name] = (mark, process)
        eventually(lambda: self.is_healthy(name), name, SECONDS)

    def is_healthy(self, name: str) -> bool:
        assert self.running[name][1].poll() is None, self.output(name)
        check = [self.here(word) for word in SERVICES[name]["healthcheck"]["test"][1:]]
        if name == "kafka":
            # Its tool is in no jar of the lock.
            return _answers(check[-1])
        environment = os.environ | self.variables(name)
        done = subprocess.run(check, env=environment, capture_output=True, check=False)
        return done.returncode == 0

    def kill(self, name: str) -> None:
        mark, process = self.running.pop(name)
        end_container(mark)
        process.wait(60)

    def wait_for_resumptions(self, count: int) -> None:
        """Wait until the service `submit` has resumed the job so often, from checkpoints."""
        log = self.root / "submit.log"
        eventually(
            lambda: len(re.findall(r"resumed from \S+/chk-", log.read_text("utf-8"))) == count,
            f"{count} resumptions",
            SECONDS,
        )

    def revive(self, name: str) -> None:
        """Start a service that ended with its broker, as `restart: unless-stopped` does."""
        _, process = self.running[name]
        eventually(lambda: process.poll() is not None or self.is_healthy(name), name, SECONDS)
        if process.poll() is not None:
            assert "Error: Kafka" in self.output(name)
            self.start(name)

    def _log(self, name: str) -> IO[bytes]:
        return (self.root / f"{name}.log").open("ab")

    def output(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text("utf-8")[-2000:]

    def run(self, *arguments: str) -> str:
        done = run_command(self.root, *arguments, **self.variables("submit"))
        assert done.exit_code == 0, done.errors
        return done.output

    def produce(self, count: int) -> None:
        """Send the bars of the next minutes."""
        minutes = range(self.minute, self.minute + count)
        self.minute += count
        file = self.root / f"{minutes[0]}" / "JPM_1min.csv"
        file.parent.mkdir()
        write_bars(file, 10, minutes)
        self.run("stream", "produce", str(file), "--label", "start")

    def published(self) -> list[int]:
        """The minutes of the published bars, each as often as it is there."""
        return published_minutes(self.root)

    def wait_for_bars(self) -> None:
        """Wait until all bars but the last, whose window is open, are published once."""
        wanted = [*range(FIRST_MINUTE, self.minute - 1)]
        eventually(lambda: self.published()[: len(wanted)] == wanted, f"{wanted}", SECONDS)
        assert self.published() in (wanted, [*wanted, self.minute - 1])
