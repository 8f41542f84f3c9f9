"""Whether readers of the dashboard and a full backfill disturb each other.

The simulated world is run three times on one data root of its own: once to fill it, once alone,
and once while readers click through all pages of a real server over the same folder. A reader is a
session of that server without a browser's drawing.
"""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from financial_pipeline.bench.dashboard_client import served
from financial_pipeline.bench.measuring import as_json_option, report, tell, work_folder
from financial_pipeline.bench.reader_crowd import LockWatch, Seen, crowd, watched_locks
from financial_pipeline.errors import PipelineError
from financial_pipeline.paths import Paths
from financial_pipeline.publishing.manifest import read_manifest

READERS: Final = 20
LOANS: Final = 5_000
SHOWN_ERRORS: Final = 5


def backfill(root: Path, loans: int, analytics: bool) -> float:
    """Run the whole simulated world on a data root in a process of its own; its seconds."""
    program = "from financial_pipeline.cli.main import main; main()"
    command = [sys.executable, "-c", program, "demo", "--loans", str(loans)]
    command += ["--data-root", str(root), "--analytics" if analytics else "--no-analytics"]
    start = time.perf_counter()
    with (root.parent / "backfill.log").open("ab") as out:
        done = subprocess.run(command, stdout=out, stderr=out, check=False)
    if done.returncode:
        text = (root.parent / "backfill.log").read_text("utf-8", "replace")
        raise PipelineError(f"The backfill failed: {text[-2000:]}")
    return time.perf_counter() - start


def _with_readers(
    root: Path, readers: int, loans: int, analytics: bool
) -> tuple[float, Seen, LockWatch]:
    with ExitStack() as stack:
        address, pid = stack.enter_context(served(root, root.parent / "server.log"))
        watch = stack.enter_context(watched_locks(root, pid))
        seen = stack.enter_context(crowd(address, readers))
        seconds = backfill(root, loans, analytics)
    return seconds, seen, watch


def run(readers: int, loans: int, *, analytics: bool = True) -> dict[str, Any]:
    """Measure the backfill alone and with readers.

    `page_p95` is in seconds; `lock_waits` and `locks_of_the_server` are null if the system does not
    show its locks.
    """
    with work_folder() as root:
        tell(f"first run: {backfill(root, loans, analytics):.0f} s")
        before = read_manifest(Paths(root)).version
        alone = backfill(root, loans, analytics)
        tell(f"alone: {alone:.0f} s")
        seconds, seen, watch = _with_readers(root, readers, loans, analytics)
        if read_manifest(Paths(root)).version == before:
            raise PipelineError("The backfill published nothing while the readers read.")
    return {
        "name": "readers",
        "readers": readers,
        "loans": loans,
        "alone_seconds": round(alone, 1),
        "with_readers_seconds": round(seconds, 1),
        "ratio": round(seconds / alone, 3),
        "pages": seen.pages,
        "page_p95": round(float(np.percentile(seen.seconds, 95)), 3),
        "versions": len(seen.versions),
        "errors": len(seen.errors),
        "mixed_pages": len(seen.mixed),
        "lock_waits": watch.waits if watch.is_known else None,
        "locks_of_the_server": watch.held_by_server if watch.is_known else None,
        "lock_samples": watch.samples,
        "first_errors": seen.errors[:SHOWN_ERRORS],
    }


@click.command()
@click.option("--readers", "count", default=READERS, show_default=True, type=click.IntRange(1))
@click.option("--loans", default=LOANS, show_default=True, type=click.IntRange(1))
@click.option("--analytics/--no-analytics", default=True, help="Metrics and model too.")
@as_json_option
def readers(count: int, loans: int, analytics: bool, as_json: bool) -> None:
    """Click through all pages while the whole world is built again: errors, locks, wall time."""
    report(run(count, loans, analytics=analytics), as_json)
