"""One local Kafka and Flink: started together, watched, respawned, stopped.

`local_runtime` is the way in: for the supervisor behind `stream up`, for tests and benchmarks.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.broker import Brokers, Node, log4j_properties
from financial_pipeline.local_cluster.connection import Connection, write_access
from financial_pipeline.local_cluster.flink import FlinkCluster
from financial_pipeline.local_cluster.flink_rest import ENDED, FlinkRest
from financial_pipeline.local_cluster.flink_state import clear_old_states, newest_state
from financial_pipeline.local_cluster.jars import Jars, JarSource, obtain
from financial_pipeline.local_cluster.java import find_flink, find_java
from financial_pipeline.local_cluster.java_classes import JARS_LOCK, compile_classes
from financial_pipeline.local_cluster.java_text import require_usable
from financial_pipeline.local_cluster.ports import LOOPBACK, free_ports, require_free
from financial_pipeline.local_cluster.processes import ManagedProcess, end_leftovers, write_record
from financial_pipeline.local_cluster.security import PIPELINE, make_security
from financial_pipeline.local_cluster.submission import submit
from financial_pipeline.local_cluster.topics import brokers_known, create_topics

START_SECONDS = 240.0
TEND_SECONDS = 0.25
# A process that dies at once is not started again more often than this.
RESPAWN_SECONDS = 1.0
# On a busy machine a JobManager may give up during its start; the next attempt succeeds.
START_TRIES = 3


@dataclass(frozen=True)
class RuntimePlan:
    """The plan of a runtime: programs, folders and ports, all known before it starts."""

    state: Path
    jars: JarSource
    kafka_port: int | None = None
    rest_port: int | None = None
    brokers: int = 1
    task_managers: int = 1
    broker_heap_mb: int = 512
    # A process of Flink counts as lost after this long without a heartbeat.
    silence_seconds: float = 3.0
    # More flags of the Java machines of brokers and TaskManagers.
    java_flags: tuple[str, ...] = ()
    # TLS, passwords and an authorizer on the brokers.
    secure: bool = False
    # Name and number of partitions of every topic that `start` creates.
    topics: Mapping[str, int] = field(default_factory=dict)


class LocalRuntime:
    """A running broker or brokers and a Flink cluster; see `RuntimePlan`."""

    def __init__(self, plan: RuntimePlan) -> None:
        self.plan = plan
        self.java = find_java()
        self.distribution = find_flink()
        self.jars: Jars = obtain(JARS_LOCK, plan.jars)
        self.classes = compile_classes(self.java, self.distribution, plan.jars)
        self.processes: dict[str, ManagedProcess] = {}
        self._record = plan.state / "processes.json"
        self._ended = threading.Event()
        self._guard = threading.RLock()
        end_leftovers(self._record, str(plan.state))
        self._lay_out()

    def _lay_out(self) -> None:
        plan = self.plan
        require_usable(plan.state)
        ports = free_ports(2 * plan.brokers + 2)
        nodes = [
            Node(number, next(ports), next(ports), plan.state / "kafka" / str(number))
            for number in range(1, plan.brokers + 1)
        ]
        if plan.kafka_port:
            port = require_free(plan.kafka_port, "Kafka", "FINANCIAL_PIPELINE_KAFKA_PORT")
            nodes[0] = Node(1, port, nodes[0].controller_port, nodes[0].folder)
        rest = plan.rest_port or next(ports)
        require_free(rest, "Flink", "FINANCIAL_PIPELINE_FLINK_PORT")
        plan.state.mkdir(parents=True, exist_ok=True)
        log = plan.state / "log4j2.properties"
        log.write_text(log4j_properties(), "utf-8")
        self.bootstrap_servers = ",".join(f"{LOOPBACK}:{node.client_port}" for node in nodes)
        self.security = make_security(plan.state / "security", self.java) if plan.secure else None
        secured = (self.security.properties(), self.security.users()) if self.security else ()
        kafka = (self.java, self.jars.broker, log, plan.broker_heap_mb, plan.java_flags)
        self.brokers = Brokers(nodes, *kafka, *secured)
        self.connection = self._connection()
        write_access(plan.state, self.connection)
        self.rest_url = f"http://{LOOPBACK}:{rest}"
        self.flink = FlinkCluster(
            plan.state / "flink",
            self.distribution,
            self.jars.connector,
            self.classes,
            self.java,
            log,
            rest,
            next(ports),
            plan.task_managers,
            plan.silence_seconds,
            plan.java_flags,
        )
        self.rest = FlinkRest(self.rest_url, self.flink.rest_token())

    def _connection(self) -> Connection:
        if not self.security:
            return Connection(self.bootstrap_servers)
        password = self.security.passwords[PIPELINE]
        return Connection(self.bootstrap_servers, PIPELINE, password, self.security.ca_file)

    @property
    def client(self) -> dict[str, Any]:
        """Configuration of a confluent-kafka client."""
        return self.connection.confluent()

    def flink_client(self) -> dict[str, str]:
        """Client properties of the job's Kafka tables."""
        return self.connection.flink(self.flink.folder)

    def start(self) -> None:
        """Start everything, wait until brokers and TaskManagers answer, create the topics."""
        # A new session starts from checkpoints; the state in ZooKeeper is for the previous
        # JobManager.
        folder = self.flink.folder
        for old in (folder / "zookeeper", folder / "tmp", self.flink.recovery):
            shutil.rmtree(old, ignore_errors=True)
        for process in [*self.brokers.prepare(), *self.flink.prepare()]:
            self.processes[process.name] = process
            process.start()
        write_record(self._record, list(self.processes.values()))
        self._wait("Kafka", lambda: brokers_known(self.client, 1.0) >= self.plan.brokers)
        create_topics(self.client, self.plan.topics, min(3, self.plan.brokers))
        self._wait("Flink", lambda: self.rest.task_managers() >= self.plan.task_managers)
        threading.Thread(target=self._tend_always, name="tend", daemon=True).start()

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            dead = [each for each in self.processes.values() if not each.is_running]
            for process in dead:
                process.restarts += 1
                if process.restarts == START_TRIES:
                    raise PipelineError(
                        f"{process.name} ended while starting: {process.last_words()}"
                    )
                process.start()
            if time.monotonic() > deadline:
                raise PipelineError(
                    f"{what} did not answer within {START_SECONDS:.0f} s; see {self.plan.state}."
                )
            time.sleep(0.2)

    def _tend_always(self) -> None:
        while not self._ended.wait(TEND_SECONDS):
            self.tend()

    def tend(self) -> None:
        """Restart processes that died."""
        with self._guard:
            dead = [each for each in self.processes.values() if not each.is_running]
            dead = [each for each in dead if not each.paused and not self._ended.is_set()]
            for process in dead:
                if time.monotonic() - process.started_at > RESPAWN_SECONDS:
                    process.restarts += 1
                    process.start()
            if dead:
                write_record(self._record, list(self.processes.values()))

    def kill(self, name: str, *, respawn: bool = True) -> None:
        """SIGKILL one process by name (`broker-1`, `jobmanager`, `taskmanager-1`, `zookeeper`)."""
        with self._guard:
            self.processes[name].paused = not respawn
            self.processes[name].kill()

    def submit(self, script: str, *, fresh: bool = False) -> str:
        """Submit an SQL script, from the newest checkpoint or savepoint there is; the job's id."""
        state = None if fresh else newest_state(self.flink.folder)
        job_id = submit(self.rest, self.jars.sql_driver, script, state)
        clear_old_states(self.flink.folder, keep=state)
        return job_id

    def running_jobs(self) -> list[dict[str, Any]]:
        """Jobs that are not at their end."""
        return [job for job in self.rest.jobs() if job["state"] not in ENDED]

    def stop(self) -> list[Path]:
        """Stop jobs (with a savepoint each), then all processes; returns the savepoints."""
        savepoints = [
            self.rest.stop_with_savepoint(job["jid"], self.flink.savepoints)
            for job in self.running_jobs()
        ]
        self.end()
        return savepoints

    def end(self) -> None:
        """End all processes, Flink before its brokers."""
        self._ended.set()
        with self._guard:
            for process in reversed(self.processes.values()):
                process.stop()
            self._record.unlink(missing_ok=True)
        shutil.rmtree(self.flink.recovery, ignore_errors=True)


@contextmanager
def local_runtime(plan: RuntimePlan) -> Iterator[LocalRuntime]:
    """A started runtime; at the end its processes are gone and its state folder is left."""
    runtime = LocalRuntime(plan)
    try:
        runtime.start()
        yield runtime
    finally:
        with suppress(ProcessLookupError):
            runtime.end()
