"""The supervisor's report about itself, and its sign of life."""

import fcntl
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from financial_pipeline.errors import PipelineError
from financial_pipeline.files import is_locked, replace_json
from financial_pipeline.redaction import redact


@dataclass(frozen=True)
class Status:
    """Content of `status.json`; phase: starting, healthy, unhealthy, stopping, stopped, failed."""

    phase: str
    pid: int
    bootstrap_servers: str = ""
    rest_url: str = ""
    processes: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    savepoints: list[str] = field(default_factory=list)
    error: str | None = None
    # Whether the error is that Kafka or Flink is unavailable on this machine.
    is_absent: bool = False
    # Its loopback address works on this machine or in this container only.
    host: str = field(default_factory=socket.gethostname)


class StreamElsewhere(PipelineError):
    """The local stream of this data root runs in another container or on another machine."""


def write_status(state: Path, status: Status) -> None:
    """Replace `status.json` at once; an error may quote an address with a password in it."""
    clean = replace(status, error=status.error and redact(status.error))
    replace_json(state / "status.json", asdict(clean))


def read_status(state: Path) -> Status | None:
    """The last status that a supervisor reported, if one ever ran here."""
    try:
        return Status(**json.loads((state / "status.json").read_text("utf-8")))
    except FileNotFoundError:
        return None


def _lock(state: Path) -> Path:
    return state / "supervisor.lock"


@contextmanager
def hold_lock(state: Path) -> Iterator[None]:
    """Be the one supervisor of a state folder; the kernel frees the lock when its holder dies."""
    state.mkdir(parents=True, exist_ok=True)
    with _lock(state).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PipelineError(f"The stream below {state.parent} is already running.") from None
        yield


def is_running(state: Path) -> bool:
    """Whether a supervisor holds the lock."""
    return is_locked(_lock(state))


def bootstrap_servers(state: Path) -> str:
    """Brokers of the running local stream; one sentence where there is none.

    Raises StreamElsewhere if another container of the same data root runs it.
    """
    status = read_status(state)
    if status and is_running(state) and status.bootstrap_servers:
        if status.host != socket.gethostname():
            raise StreamElsewhere(
                f"The stream of this data root runs on {status.host} and answers only there: run"
                " its commands there, or name brokers in FINANCIAL_PIPELINE_KAFKA_BROKERS."
            )
        return status.bootstrap_servers
    raise PipelineError(
        "No local stream is running: start one with `financial-pipeline stream up`, or name a "
        "cluster's brokers in FINANCIAL_PIPELINE_KAFKA_BROKERS."
    )
