"""Flink's standalone cluster on loopback: configuration and command lines, without its scripts.

ZooKeeper is part of Flink's distribution; with it a respawned JobManager finds its job again.
"""

import hashlib
import json
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.java_classes import class_path
from financial_pipeline.local_cluster.java_text import flink_address, property_value
from financial_pipeline.local_cluster.processes import ManagedProcess

# Packages that Flink's shipped configuration opens, JDK compiler excepted.
OPENED = (
    "java.lang",
    "java.net",
    "java.io",
    "java.nio",
    "java.lang.reflect",
    "java.text",
    "java.time",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.util.concurrent.locks",
)
JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
ZOOKEEPER = "org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer"

# Megabytes of a TaskManager; the sums of heap and of direct memory are its JVM's flags.
FRAMEWORK_HEAP, TASK_HEAP, MANAGED, NETWORK, OFF_HEAP, METASPACE = 96, 352, 64, 64, 128, 192
JOB_MANAGER_HEAP = 320
SLOTS = 4
TOKEN_BYTES = 24
TEMPORARY_NAME = "financial-pipeline"


@dataclass(frozen=True)
class FlinkCluster:
    """One JobManager and some TaskManagers with their state below `folder`."""

    folder: Path
    distribution: Path
    connector: Path
    # The folder of the classes of `flink/java`.
    classes: Path
    java: str
    log_configuration: Path
    rest_port: int
    zookeeper_port: int
    task_managers: int = 1
    silence_seconds: float = 3.0
    # More flags of the TaskManagers' Java machines.
    java_flags: tuple[str, ...] = ()

    @property
    def checkpoints(self) -> Path:
        """Retained checkpoints: `<job id>/chk-<n>/_metadata`."""
        return self.folder / "checkpoints"

    @property
    def savepoints(self) -> Path:
        """Savepoints: `savepoint-*/_metadata`."""
        return self.folder / "savepoints"

    @property
    def recovery(self) -> Path:
        """The folder of a JobManager's restart. Flink would encode `my data` in its path twice."""
        place = self.folder / "recovery"
        if quote(str(place)) == str(place):
            return place
        digest = hashlib.sha256(str(place).encode()).hexdigest()
        return Path(tempfile.gettempdir()) / f"{TEMPORARY_NAME}-{digest[:16]}"

    @property
    def token_file(self) -> Path:
        """The file of the token that the REST server asks for before it changes anything."""
        return self.folder / "rest-token"

    def rest_token(self) -> str:
        """The token of this folder, made at the first call."""
        if not self.token_file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.token_file.touch(mode=0o600)
            self.token_file.write_text(secrets.token_urlsafe(TOKEN_BYTES), "utf-8")
        return self.token_file.read_text("utf-8")

    def configuration(self) -> str:
        """Content of `config.yaml`, dotted keys."""
        return "".join(
            f"{key}: {json.dumps(str(value) if isinstance(value, Path) else value)}\n"
            for key, value in self._settings().items()
        )

    def _settings(self) -> dict[str, object]:
        return self._places() | self._sizes() | self._checkpointing() | self._recovery()

    def _places(self) -> dict[str, object]:
        return {
            "jobmanager.rpc.address": "localhost",
            "jobmanager.bind-host": "localhost",
            "taskmanager.host": "localhost",
            "taskmanager.bind-host": "localhost",
            "rest.address": "localhost",
            "rest.bind-address": "localhost",
            "rest.port": self.rest_port,
            "rest.bind-port": self.rest_port,
            "metrics.fetcher.update-interval": 1000,
            "io.tmp.dirs": self.folder / "tmp",
            "web.upload.dir": self.folder / "tmp",
            "web.cancel.enable": "false",
            "web.access-control-allow-origin": f"http://localhost:{self.rest_port}",
            # `flink/java/Guard.java` asks for it wherever something would change.
            "financial-pipeline.rest-token-file": self.token_file,
        }

    def _sizes(self) -> dict[str, object]:
        memory = "taskmanager.memory"
        return {
            "taskmanager.numberOfTaskSlots": SLOTS,
            "taskmanager.cpu.cores": float(SLOTS),
            # A job spreads over all TaskManagers instead of filling the first.
            "taskmanager.load-balance.mode": "SLOTS",
            f"{memory}.framework.heap.size": f"{FRAMEWORK_HEAP}m",
            f"{memory}.framework.off-heap.size": f"{OFF_HEAP}m",
            f"{memory}.task.heap.size": f"{TASK_HEAP}m",
            f"{memory}.task.off-heap.size": "0m",
            f"{memory}.jvm-overhead.min": "64m",
            f"{memory}.jvm-overhead.max": "64m",
            f"{memory}.managed.size": f"{MANAGED}m",
            f"{memory}.network.min": f"{NETWORK}m",
            f"{memory}.network.max": f"{NETWORK}m",
            f"{memory}.jvm-metaspace.size": f"{METASPACE}m",
            "jobmanager.memory.heap.size": f"{JOB_MANAGER_HEAP}m",
        }

    def _checkpointing(self) -> dict[str, object]:
        return {
            "execution.checkpointing.dir": flink_address(self.checkpoints),
            "execution.checkpointing.savepoint-dir": flink_address(self.savepoints),
            "execution.checkpointing.interval": "1s",
            "execution.checkpointing.min-pause": "200ms",
            "execution.checkpointing.timeout": "60s",
            "execution.checkpointing.mode": "EXACTLY_ONCE",
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "state.backend.type": "hashmap",
            "table.local-time-zone": "UTC",
        }

    def _recovery(self) -> dict[str, object]:
        keeper, silence = "high-availability.zookeeper", self.silence_seconds
        return {
            "high-availability.type": "zookeeper",
            "high-availability.storageDir": flink_address(self.recovery),
            "high-availability.cluster-id": "/financial-pipeline",
            f"{keeper}.quorum": f"localhost:{self.zookeeper_port}",
            f"{keeper}.path.root": "/flink",
            f"{keeper}.client.session-timeout": f"{silence:.0f}s",
            f"{keeper}.client.connection-timeout": f"{silence:.0f}s",
            f"{keeper}.client.retry-wait": "500ms",
            "heartbeat.interval": "1s",
            "heartbeat.timeout": f"{2 * silence:.0f}s",
            "heartbeat.rpc-failure-threshold": 2,
            "cluster.registration.error-delay": "500ms",
            "cluster.registration.max-timeout": "2s",
            "cluster.registration.refused-registration-delay": "1s",
            "restart-strategy.type": "exponential-delay",
            "restart-strategy.exponential-delay.initial-backoff": "500ms",
            "restart-strategy.exponential-delay.max-backoff": "5s",
        }

    def prepare(self) -> list[ManagedProcess]:
        """Write the configuration and return the processes in the order in which to start them."""
        for name in ("conf", "tmp", "zookeeper", "checkpoints", "savepoints"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        try:
            self.recovery.mkdir(mode=0o700)
        except FileExistsError:
            raise PipelineError(
                f"{self.recovery} belongs to somebody else; remove it, or set TMPDIR to a folder of"
                " your own."
            ) from None
        (self.folder / "conf" / "config.yaml").write_text(self.configuration(), "utf-8")
        keeper = self.folder / "zookeeper" / "zoo.cfg"
        keeper.write_text(
            f"tickTime=500\ndataDir={property_value(keeper.parent)}\nclientPort={self.zookeeper_port}\n"
            "clientPortAddress=127.0.0.1\nadmin.enableServer=false\nmaxClientCnxns=0\n"
            f"maxSessionTimeout={int(self.silence_seconds * 1000)}\n"
        )
        workers = [self._task_manager(number) for number in range(1, self.task_managers + 1)]
        return [self._zookeeper(keeper), self._job_manager(), *workers]

    def _process(self, name: str, flags: list[str], *arguments: str) -> ManagedProcess:
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
        command = [
            self.java,
            *opened,
            *flags,
            "-XX:+UseSerialGC",
            f"-Dlog.file={self.folder / name}.log",
            # The planner unpacks 45 MB there, and a killed process leaves them behind.
            f"-Djava.io.tmpdir={self.folder / 'tmp'}",
            f"-Dlog4j.configurationFile={self.log_configuration}",
            "-cp",
            f"{class_path(self.distribution)}:{self.connector}:{self.classes}",
            *arguments,
        ]
        return ManagedProcess(name, command, self.folder / f"{name}.output.txt")

    def _zookeeper(self, configuration: Path) -> ManagedProcess:
        flags = ["-Xmx48m", "-XX:TieredStopAtLevel=1"]
        options = ("--zkConfigFile", str(configuration), "--peerId", "1")
        return self._process("zookeeper", flags, ZOOKEEPER, *options)

    def _job_manager(self) -> ManagedProcess:
        heap = [f"-Xms{JOB_MANAGER_HEAP // 2}m", f"-Xmx{JOB_MANAGER_HEAP}m"]
        flags = [*heap, "-XX:MaxMetaspaceSize=256m", "-XX:TieredStopAtLevel=1"]
        options = ("--configDir", str(self.folder / "conf"))
        return self._process("jobmanager", flags, JOB_MANAGER, *options)

    def _task_manager(self, number: int) -> ManagedProcess:
        heap, direct = FRAMEWORK_HEAP + TASK_HEAP, OFF_HEAP + NETWORK
        flags = [f"-Xms{heap // 2}m", f"-Xmx{heap}m", f"-XX:MaxDirectMemorySize={direct}m"]
        flags += [f"-XX:MaxMetaspaceSize={METASPACE}m", *self.java_flags]
        options = ("--configDir", str(self.folder / "conf"))
        return self._process(f"taskmanager-{number}", flags, TASK_MANAGER, *options)
