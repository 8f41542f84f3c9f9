"""A real `dagster dev` on loopback: web interface, daemon and code servers over one data root."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from financial_pipeline.local_cluster.ports import free_ports
from financial_pipeline_tests.conftest import PROJECT_ROOT

LOOPBACK = "127.0.0.1"
# A busy machine with two cores loads the definitions three times when it starts.
START_SECONDS = 240.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.5
# Bytecode is kept, and a busy machine is given time to start the process of a run.
OF_PROCESSES = {"PYTHONDONTWRITEBYTECODE": "", "DAGSTER_GRPC_TIMEOUT_SECONDS": "300"}
T = TypeVar("T")
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
    locationOrLoadError { __typename ... on PythonError { message } } } } }
    instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"""


def eventually(look: Callable[[], T | None], what: str, seconds: float) -> T:
    """Return the first finding of `look`; fails after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"Not within {seconds:.0f} s: {what}")


@dataclass
class Server:
    """One `dagster dev`; `variables` go into its environment, `workspaces` follow the project's."""

    root: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    workspaces: tuple[Path, ...] = (PROJECT_ROOT / "workspace.yaml",)
    profile: str = (PROJECT_ROOT / "dagster.yaml").read_text("utf-8")

    def __post_init__(self) -> None:
        self.port = next(free_ports(1))
        self.home = self.root / "dagster_home"
        self.log = self.root / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """That of the server and of every process it starts."""
        inherited = {k: v for k, v in os.environ.items() if k != "DAGSTER_EVENT_BATCH_SIZE"}
        own = {"DAGSTER_HOME": str(self.home), "FINANCIAL_PIPELINE_DATA_ROOT": str(self.root)}
        return inherited | own | OF_PROCESSES | dict(self.variables)

    def start(self) -> None:
        """Start it and wait until the definitions are loaded and every daemon is at work."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "dagster.yaml").write_text(self.profile, "utf-8")
        places = [part for path in self.workspaces for part in ("-w", str(path))]
        command = [sys.executable, "-m", "dagster", "dev", "-h", LOOPBACK, "-p", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *places],
                cwd=PROJECT_ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._is_ready, f"the server starts; see {self.log}", START_SECONDS)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text("utf-8")[-3000:]
        try:
            answer = self.ask(LOADED)
        except OSError:
            return False
        entries = answer["workspaceOrError"]["locationEntries"]
        broken = [e for e in entries if "Error" in str(e["locationOrLoadError"] or {})]
        assert broken == []
        statuses = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
        return (
            len(entries) == len(self.workspaces)
            and all(entry["loadStatus"] == "LOADED" for entry in entries)
            and all(status["healthy"] for status in statuses)
        )

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer of the web interface's own API; fails where it holds an error."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        request = urllib.request.Request(
            f"{self.address}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return dict(answer["data"])

    def kill(self) -> None:
        """End every process of it at once, as a machine that loses power does."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """End it as Ctrl-C does; fails where a process outlives it."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        self._reap()
        try:
            eventually(lambda: not self.processes(), "every process ends", STOP_SECONDS)
        finally:
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        if self.process is not None:
            self.process.wait(STOP_SECONDS)
            self.process = None

    def processes(self) -> dict[int, str]:
        """The living processes that work for this server, by their environment: pid -> command."""
        mark = f"DAGSTER_HOME={self.home}\0".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes():
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(folder.name)] = words.decode(errors="replace").strip()
            except OSError:
                continue
        return found
