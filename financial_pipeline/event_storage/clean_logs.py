"""The printed output of steps, kept on disk and shown in the web interface without secrets.

Stock Dagster lets a step write into the file itself and mirrors it with `tail`. Here a small
process filters the output of each step, so the file never contains a secret, even if the step is
killed.
"""

import os
import secrets
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import UnsupportedOperation
from typing import Any

from dagster._core.execution.compute_logs import redirect_stream
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION,
    LocalComputeLogManager,
)
from dagster._serdes import ConfigurableClassData
from dagster._utils import ensure_file, touch_file

from financial_pipeline.event_storage.clean_storage import resolve_base_dir

# For the last lines of a step, and for the process that writes them; if the step left a program
# running, that process ends with it.
LAST_LINES_SECONDS, EXIT_SECONDS = 5.0, 0.1


class CleanComputeLogManager(LocalComputeLogManager):
    """Stock local compute logs whose lines are redacted before they are written."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "CleanComputeLogManager":
        """Build the manager from `dagster.yaml`."""
        return cls(inst_data=inst_data, **resolve_base_dir(config_value))

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Capture standard output and standard error of this process and of its children."""
        out, err = (
            self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])
            for kind in (ComputeIOType.STDOUT, ComputeIOType.STDERR)
        )
        with _through_redaction(sys.stdout, out), _through_redaction(sys.stderr, err):
            yield CapturedLogContext(log_key)
        # Stock readers of compute logs wait for this file.
        untyped: Any = self
        touch_file(untyped.complete_artifact_path(log_key))


def _is_a_file(stream: Any) -> bool:
    try:
        return isinstance(stream.fileno(), int)
    except (AttributeError, UnsupportedOperation):
        return False


@contextmanager
def _through_redaction(stream: Any, path: str) -> Iterator[None]:
    ensure_file(path)
    if not _is_a_file(stream):
        # A test has replaced it with an object that has nothing to capture.
        yield
        return
    mark, (finished, signal) = secrets.token_hex(), os.pipe()
    command = [sys.executable, "-m", "financial_pipeline.redaction", path, mark, str(signal)]
    # Ctrl-C ends the step, and its last lines are still written.
    between = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=stream, start_new_session=True, pass_fds=(signal,)
    )
    os.close(signal)
    pipe: Any = between.stdin
    try:
        with redirect_stream(to_stream=pipe, from_stream=stream):
            yield
    finally:
        # The pipe itself ends only with the last child that has it, such as Spark's Java.
        with suppress(OSError), pipe:
            pipe.write(f"{mark}\n".encode())
        select.select([finished], [], [], LAST_LINES_SECONDS)
        os.close(finished)
        with suppress(subprocess.TimeoutExpired):
            between.wait(EXIT_SECONDS)
