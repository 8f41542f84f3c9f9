"""Kafka brokers (KRaft, combined with their controllers) on loopback: files, commands, topics."""

import base64
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.java_text import environment, property_value
from financial_pipeline.local_cluster.ports import LOOPBACK
from financial_pipeline.local_cluster.processes import ManagedProcess

FORMAT_SECONDS = 60
LOG_LAYOUT = "%d{ISO8601} %p %c{1} %m%n"
# Replays have the record timestamps of their own day, so retention is by size and not by age.
COMMON_PROPERTIES = """\
process.roles=broker,controller
controller.listener.names=CONTROLLER
auto.create.topics.enable=false
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=1
log.cleaner.dedupe.buffer.size=4194304
log.segment.bytes=67108864
log.retention.ms=-1
num.network.threads=2
num.io.threads=4
group.initial.rebalance.delay.ms=0
transaction.max.timeout.ms=900000
transactional.id.expiration.ms=86400000
message.max.bytes=2097152
replica.fetch.max.bytes=2097152
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
"""


@dataclass(frozen=True)
class Node:
    """One broker: its number from 1, its ports, its folder."""

    number: int
    client_port: int
    controller_port: int
    folder: Path

    @property
    def controller(self) -> str:
        """Address of its controller."""
        return f"{LOOPBACK}:{self.controller_port}"


def new_id() -> str:
    """A cluster or directory id: URL-safe base64 of 16 random bytes that starts with a letter."""
    while (text := base64.urlsafe_b64encode(secrets.token_bytes(16)).decode()[:22])[0] in "-_":
        pass
    return text


def _replication(brokers: int) -> str:
    factor, in_sync = min(brokers, 3), max(1, min(brokers, 3) - 1)
    topics = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
    lines = [f"{topic}.replication.factor={factor}\n" for topic in topics]
    lines += [f"{topic}.min.isr={in_sync}\n" for topic in topics[1:]]
    lines += [f"default.replication.factor={factor}\n", f"min.insync.replicas={in_sync}\n"]
    return "".join(lines)


def server_properties(node: Node, nodes: list[Node], extra: str) -> str:
    """Content of a node's `server.properties`; `extra` stands in for the plain listeners."""
    client = f"{LOOPBACK}:{node.client_port}"
    listeners = f"PLAINTEXT://{client},CONTROLLER://{node.controller}"
    plain = "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
    if extra:
        listeners = listeners.replace("PLAINTEXT://", "SASL_SSL://")
    return (
        f"{COMMON_PROPERTIES}{_replication(len(nodes))}"
        f"node.id={node.number}\nlog.dirs={property_value(node.folder / 'data')}\n"
        f"controller.quorum.bootstrap.servers={','.join(each.controller for each in nodes)}\n"
        f"listeners={listeners}\nadvertised.listeners={listeners}\n{extra or plain}"
    )


def log4j_properties() -> str:
    """A log4j2 configuration that writes to the file of `-Dlog.file`, rotated.

    At each checkpoint every sink would warn that its gauge has the name of another's.
    """
    return f"""\
rootLogger.level=INFO
rootLogger.appenderRef.file.ref=file
logger.checkpoints.name=org.apache.flink.runtime.checkpoint
logger.checkpoints.level=WARN
logger.transactions.name=org.apache.flink.kafka.shaded.org.apache.kafka
logger.transactions.level=WARN
logger.groups.name=org.apache.kafka.coordinator
logger.groups.level=WARN
logger.gauges.name=org.apache.flink.metrics.MetricGroup
logger.gauges.level=ERROR
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName=${{sys:log.file}}
appender.file.filePattern=${{sys:log.file}}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern={LOG_LAYOUT}
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=20MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
"""


@dataclass(frozen=True)
class Brokers:
    """The brokers of one runtime: `heap_mb` each, started with `java` from the locked jars."""

    nodes: list[Node]
    java: str
    jars: tuple[Path, ...]
    log_configuration: Path
    heap_mb: int
    java_flags: tuple[str, ...] = ()
    # Properties that replace the plain listeners, and users created when the storage is formatted.
    security: str = ""
    users: tuple[str, ...] = ()

    def _command(self, *flags: str) -> list[str]:
        path = ":".join(map(str, self.jars))
        logging = f"-Dlog4j2.configurationFile={self.log_configuration}"
        return [self.java, *flags, logging, "-cp", path]

    def prepare(self) -> list[ManagedProcess]:
        """Write every node's files, format new storage, and return the processes to start."""
        identity = self.nodes[0].folder.parent / "cluster_id"
        identity.parent.mkdir(parents=True, exist_ok=True)
        if not identity.exists():
            identity.write_text("\n".join(new_id() for _ in range(len(self.nodes) + 1)))
        cluster, *directories = identity.read_text("utf-8").split()
        if len(self.nodes) > 1:
            pairs = zip(self.nodes, directories, strict=True)
            voters = [f"{node.number}@{node.controller}:{folder}" for node, folder in pairs]
            quorum = ["--initial-controllers", ",".join(voters)]
        else:
            quorum = ["--standalone"]
        return [self._prepare(node, cluster, quorum) for node in self.nodes]

    def _prepare(self, node: Node, cluster: str, quorum: list[str]) -> ManagedProcess:
        node.folder.mkdir(parents=True, exist_ok=True)
        properties = node.folder / "server.properties"
        properties.touch(mode=0o600)
        properties.write_text(server_properties(node, self.nodes, self.security))
        output = node.folder / "output.txt"
        flags = (f"-Dlog.file={node.folder / 'broker.log'}", f"-Dkafka.logs.dir={node.folder}")
        if not (node.folder / "data" / "meta.properties").exists():
            done = self._format(node, ["--ignore-formatted", *quorum, "-t", cluster], flags)
            if done.returncode:
                words = (done.stderr or done.stdout).strip().splitlines()[-1:]
                raise PipelineError(f"Kafka could not format {node.folder}: {' '.join(words)}")
        heap = (f"-Xms{self.heap_mb // 2}m", f"-Xmx{self.heap_mb}m", "-XX:+UseSerialGC")
        command = [*self._command(*flags, *heap, *self.java_flags), "kafka.Kafka", str(properties)]
        return ManagedProcess(f"broker-{node.number}", command, output)

    def _format(
        self, node: Node, options: list[str], flags: Sequence[str]
    ) -> subprocess.CompletedProcess[str]:
        """Format a node's folder. Java takes the arguments from a file: they hold passwords."""
        users = [part for user in self.users for part in ("--add-scram", user)]
        java, *arguments = self._command(*flags, "-XX:TieredStopAtLevel=1", "-Xmx128m")
        arguments += ["kafka.tools.StorageTool", "format", *options]
        arguments += ["-c", str(node.folder / "server.properties"), *users]
        file = node.folder / "format.arguments"
        file.touch(mode=0o600)
        try:
            file.write_text("\n".join(map(_quoted, arguments)), "utf-8")
            return subprocess.run(
                [java, f"@{file}"],
                capture_output=True,
                text=True,
                timeout=FORMAT_SECONDS,
                env=environment(),
            )
        except subprocess.TimeoutExpired:
            slow = f"Kafka took more than {FORMAT_SECONDS:g} s to format {node.folder}."
            raise PipelineError(slow) from None
        finally:
            file.unlink()


def _quoted(argument: str) -> str:
    """Quote an argument for Java's argument file."""
    return '"' + argument.replace("\\", "\\\\").replace('"', '\\"') + '"'
