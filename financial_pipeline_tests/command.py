"""Runs the command as a user would: in a process of its own, on a data root of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MINUTES = 60


@dataclass(frozen=True)
class CommandRun:
    """The end of a command."""

    exit_code: int
    output: str
    errors: str


def run_command(data_root: Path | str, *arguments: str, **variables: str) -> CommandRun:
    """Run `financial-pipeline ARGUMENTS` on a data root, a folder or an address.

    `variables` are added to the environment.
    """
    environment = {**os.environ, "FINANCIAL_PIPELINE_DATA_ROOT": str(data_root), **variables}
    executable = Path(sys.executable).with_name("financial-pipeline")
    done = subprocess.run(
        [str(executable), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=15 * MINUTES,
        check=False,
    )
    return CommandRun(done.returncode, done.stdout, done.stderr)


def figures(data_root: Path | str) -> dict[str, Any]:
    """The published figures of a data root, as programs read them."""
    done = run_command(data_root, "figures", "--json")
    assert done.exit_code == 0, done.errors
    content: dict[str, Any] = json.loads(done.output)
    return content
