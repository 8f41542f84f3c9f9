"""The few calls of Flink's REST interface that the runtime needs."""

import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from financial_pipeline.errors import PipelineError
from financial_pipeline.local_cluster.java_text import flink_address

# Planning a job takes seconds; on a machine that is busy with other work, minutes.
REQUEST_SECONDS = 180.0
PROBE_SECONDS = 3.0
SAVEPOINT_SECONDS = 60.0
SQL_DRIVER_CLASS = "org.apache.flink.table.runtime.application.SqlDriver"
BOUNDARY = "financial-pipeline-jar"
# States of a job that has ended.
ENDED = frozenset({"FAILED", "CANCELED", "FINISHED", "SUSPENDED"})
# Flink's messages while its JobManager loses leadership or has just regained it.
LEADERLESS = re.compile(r"leader|fenc|already been terminated", re.IGNORECASE)


class FlinkRefused(PipelineError):
    """Flink answered with an error; the message holds its cause."""


class FlinkLeaderless(FlinkRefused):
    """Flink refused because no JobManager leads at the moment: the same question may do later."""


def _cause(body: bytes) -> str:
    """The innermost cause of the stack trace that Flink answers with."""
    try:
        text = "\n".join(json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError):
        text = body.decode("utf-8", errors="replace")
    causes = [line for line in text.splitlines() if line.startswith("Caused by: ")]
    lines = causes[-1:] or text.strip().splitlines()[:1]
    return " ".join(lines).removeprefix("Caused by: ")


@dataclass(frozen=True)
class FlinkRest:
    """A JobManager's REST interface at `url`; without its `token` one may only ask."""

    url: str
    token: str = field(default="", repr=False)

    def _call(self, method: str, path: str, body: bytes | None, kind: str, seconds: float) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", data=body, method=method)
        request.add_header("Content-Type", kind)
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            cause = _cause(error.read())
            kind_of = FlinkLeaderless if LEADERLESS.search(cause) else FlinkRefused
            raise kind_of(f"Flink refused {method} {path}: {cause}") from error

    def get(self, path: str) -> Any:
        """Answer of a quick question; `OSError` where nobody answers."""
        return self._call("GET", path, None, "application/json", PROBE_SECONDS)

    def post(self, path: str, content: dict[str, Any]) -> Any:
        """Answer of a command; FlinkRefused where none comes in time."""
        body = json.dumps(content).encode()
        try:
            return self._call("POST", path, body, "application/json", REQUEST_SECONDS)
        except TimeoutError as error:
            raise FlinkRefused(
                f"Flink did not answer POST {path} within {REQUEST_SECONDS:.0f} s: the machine is"
                " too busy; try again."
            ) from error

    def task_managers(self) -> int:
        """Count the registered TaskManagers; 0 while the JobManager is not there."""
        try:
            return int(self.get("/overview")["taskmanagers"])
        except (OSError, FlinkRefused):
            return 0

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs that the JobManager knows: `jid`, `name`, `state`, `start-time`."""
        found: list[dict[str, Any]] = self.get("/jobs/overview")["jobs"]
        return found

    def upload(self, jar: Path) -> str:
        """Upload a jar; returns its id."""
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="jarfile"; '
            f'filename="{jar.name}"\r\nContent-Type: application/x-java-archive\r\n\r\n'
        )
        body = head.encode() + jar.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        answer = self._call("POST", "/jars/upload", body, kind, REQUEST_SECONDS)
        return Path(answer["filename"]).name

    def run_script(self, driver: Path, script: str, state: Path | str | None = None) -> str:
        """Submit an SQL script, from a checkpoint or savepoint (a folder or an address); its id."""
        jar = self.upload(driver)
        content: dict[str, Any] = {
            "entryClass": SQL_DRIVER_CLASS,
            "programArgsList": ["--script", script],
        }
        if state:
            content["savepointPath"] = state if isinstance(state, str) else flink_address(state)
        return str(self.post(f"/jars/{jar}/run", content)["jobid"])

    def stop_with_savepoint(self, job_id: str, folder: Path) -> Path:
        """Stop a job with a savepoint; returns the savepoint's folder."""
        content = {"targetDirectory": flink_address(folder), "drain": False}
        return Path(self.request_stop(job_id, content).removeprefix("file:"))

    def request_stop(self, job_id: str, content: dict[str, Any]) -> str:
        """Stop a job with a savepoint, by the content of the request; returns its address."""
        trigger = self.post(f"/jobs/{job_id}/stop", content)["request-id"]
        deadline = time.monotonic() + SAVEPOINT_SECONDS
        while time.monotonic() < deadline:
            answer = self.get(f"/jobs/{job_id}/savepoints/{trigger}")
            operation = answer.get("operation") or {}
            if "location" in operation:
                return str(operation["location"])
            if "failure-cause" in operation:
                cause = operation["failure-cause"]["stack-trace"]
                raise FlinkRefused(f"No savepoint of job {job_id}: {_cause(cause.encode())}")
            time.sleep(0.2)
        raise FlinkRefused(f"No savepoint of job {job_id} within {SAVEPOINT_SECONDS:.0f} s.")

    def cancel(self, job_id: str) -> None:
        """Cancel a job."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel", None, "application/json", PROBE_SECONDS)

    def exceptions(self, job_id: str) -> str:
        """Return the innermost cause of a job's last failure; empty if there was none."""
        history = self.get(f"/jobs/{job_id}/exceptions")["exceptionHistory"]["entries"]
        return _cause(history[0]["stacktrace"].encode()) if history else ""

    def restarts(self, job_id: str) -> int | None:
        """Return how often this JobManager restarted a job; None before it was counted."""
        found = self.get(f"/jobs/{job_id}/metrics?get=numRestarts")
        return int(found[0]["value"]) if found else None

    def source_offsets(self, job_id: str, topic: str) -> dict[int, int]:
        """The offset behind the last message that the job's first operator, its source, passed on.

        By partition of the topic, without those of which nothing came yet; up to a second old.
        Values of a job that just restarted may be those of the earlier run.
        """
        vertices = self.get(f"/jobs/{job_id}")["vertices"]
        if not vertices:
            # A JobManager that was just restarted has not planned the job yet.
            return {}
        source = vertices[0]["id"]
        path = f"/jobs/{job_id}/vertices/{source}/subtasks/metrics"
        wanted = re.compile(rf"\.topic\.{re.escape(topic)}\.partition\.(\d+)\.currentOffset$")
        known = (wanted.search(metric["id"]) for metric in self.get(path))
        partitions = {match.string: int(match[1]) for match in known if match}
        if not partitions:
            return {}
        found = self.get(f"{path}?agg=max&get={','.join(partitions)}")
        return {partitions[one["id"]]: int(one["max"]) + 1 for one in found}

    def watermark_ms(self, job_id: str) -> int | None:
        """Lowest watermark over the tasks of a job, ms since 1970; None before the first."""
        lowest: list[int] = []
        for vertex in self.get(f"/jobs/{job_id}")["vertices"]:
            marks = self.get(f"/jobs/{job_id}/vertices/{vertex['id']}/watermarks")
            lowest += [int(mark["value"]) for mark in marks]
        return min((mark for mark in lowest if mark > 0), default=None)
